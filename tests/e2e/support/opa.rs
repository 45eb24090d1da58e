//! The real OPA, where there is one, and a server on loopback that behaves like none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Returns the `opa` program of `OPSBOX_TEST_OPA`, or of PATH; `None` where there is none, and says so.
pub fn opa() -> Option<PathBuf> {
    let named = std::env::var_os("OPSBOX_TEST_OPA").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| {
        std::env::split_paths(&path)
            .map(|folder| folder.join("opa"))
            .find(|file| file.is_file())
    });
    if found.is_none() {
        eprintln!("skipped: no OPA, neither in OPSBOX_TEST_OPA nor on PATH");
    }
    found
}

/// An OPA server, ended with the test.
pub struct OpaServer {
    pub url: String,
    address: String,
    child: Child,
}

impl OpaServer {
    /// Starts a server; `None` where there is no OPA.
    pub fn start() -> Option<Self> {
        let program = opa()?;
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let mut child = Command::new(program)
            .args(["run", "--server", "--log-level", "error", "--addr", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(&address).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "the OPA server has ended");
            std::thread::yield_now();
        }
        let url = format!("http://{address}");
        Some(Self { url, address, child })
    }

    /// Returns what the server says of the policies that it has.
    pub fn policies(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .write_all(b"GET /v1/policies HTTP/1.0\r\nhost: opa\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.rsplit("\r\n\r\n").next().unwrap().trim().to_owned()
    }
}

impl Drop for OpaServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A server on loopback: it answers 200 and `{}`, but never a request of the method that it hangs at.
pub struct Hanging {
    pub url: String,
    /// The method and path of each request, as it comes.
    pub seen: Receiver<(String, String)>,
}

impl Hanging {
    pub fn at(method: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tx, seen) = channel();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((asked, path)) = request(&mut stream) else {
                    continue;
                };
                let hangs = asked == method;
                if tx.send((asked, path)).is_err() {
                    return;
                }
                if hangs {
                    open.push(stream);
                } else {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                    let _gone = stream.write_all(answer);
                }
            }
        });
        Self { url, seen }
    }
}

/// Reads one request to its end, so that closing the connection does not reset it.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let asked = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(asked)
}

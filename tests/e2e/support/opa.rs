//! The real OPA, where there is one, and a server on loopback that behaves like none.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};

use super::python::run;
use super::{program, repository};

/// Returns the `opa` program of `OPSBOX_TEST_OPA`, of PATH, or one that Go builds once, where `tests/original` has its own; `None` where there is
/// neither an OPA nor Go, and says so.
pub fn opa() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let named = std::env::var_os("OPSBOX_TEST_OPA").map(PathBuf::from);
            let path = std::env::var_os("PATH").unwrap_or_default();
            let on_path = || {
                std::env::split_paths(&path)
                    .map(|folder| folder.join("opa"))
                    .find(|file| file.is_file())
            };
            named.or_else(on_path).or_else(built)
        })
        .clone()
}

/// Returns the OPA of the version that the original would download, built by Go where it is not there yet.
fn built() -> Option<PathBuf> {
    let source = fs::read_to_string(repository().join("tests/original/environment.py")).unwrap();
    let module = source
        .split("\nOPA = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let target = super::target().join("original");
    fs::create_dir_all(&target).unwrap();
    let lock = fs::File::create(target.join("opa.lock")).unwrap();
    lock.lock().unwrap();
    let folder = target.join(module.rsplit('/').next().unwrap());
    let program_file = folder.join("opa");
    if !program_file.is_file() {
        let go = program("go")?;
        run(Command::new(go)
            .args(["install", module])
            .current_dir(&target)
            .env("GOBIN", &folder)
            .env("CGO_ENABLED", "0"));
    }
    Some(program_file)
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
        Self::serve("http", &[])
    }

    /// Starts a server that speaks TLS, with a certificate for 127.0.0.1 that nobody has signed; it is written to `certificate`.
    pub fn start_tls(certificate: &Path) -> Option<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = certificate.with_extension("key");
        fs::write(certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let certificate = format!("--tls-cert-file={}", certificate.display());
        Self::serve(
            "https",
            &[&certificate, &format!("--tls-private-key-file={}", key.display())],
        )
    }

    fn serve(scheme: &str, more: &[&str]) -> Option<Self> {
        let program = opa()?;
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let mut child = Command::new(program)
            .args(["run", "--server", "--log-level", "error", "--addr", &address])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(&address).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "the OPA server has ended");
            std::thread::yield_now();
        }
        let url = format!("{scheme}://{address}");
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

//! Credentials in an address serve the one installation; they are neither shown nor kept.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use super::World;
use crate::support::Seen;

const SECRET: &str = "geheim99";
/// What is said where they are wanted again.
const REFUSED: [&str; 3] = [
    "credentials are missing or wrong",
    "~/.netrc",
    "nothing was changed",
];
/// `usr:geheim99`, as a client sends it.
const BASIC: &str = "authorization: basic dXNyOmdlaGVpbTk5";

/// Serves one file to everybody who knows the password, as long as the tests run, and returns the port.
fn guarded(file: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client may open a connection and leave it: each has its own thread.
            let file = file.clone();
            thread::spawn(move || serve(stream, &file));
        }
    });
    port
}

fn serve(mut stream: TcpStream, file: &[u8]) -> std::io::Result<()> {
    let mut head = Vec::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let knows = head.iter().any(|line| line.eq_ignore_ascii_case(BASIC));
    let (status, file) = if knows {
        ("200 OK", file)
    } else {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", &[][..])
    };
    let length = file.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    if !head.first().is_some_and(|line| line.starts_with("HEAD")) {
        stream.write_all(file)?;
    }
    Ok(())
}

/// Asserts that no file below a folder holds the password.
#[track_caller]
fn holds_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            holds_no_secret(&path);
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "{} holds the password", path.display());
        }
    }
}

#[track_caller]
fn nothing_is_shown_where_it_fails(world: &World) {
    // Port 9 of this machine: nobody answers there.
    let address = format!("git+http://usr:{SECRET}@127.0.0.1:9/x.git");
    let seen = world.opsbox(&["plugins", "add", "-v", &address]).exits(1).says(&[
        "the credentials in `git+http://127.0.0.1:9/x.git` are used this once and not kept",
        "installing git+http://127.0.0.1:9/x.git by",
        "nothing was changed",
    ]);
    assert!(
        !format!("{seen}").replace(&address, "").contains(SECRET),
        "{seen}"
    );
    for wrong in [
        format!("git+usr:{SECRET}@h/x"),
        format!("https://usr:{SECRET}@h/x.git"),
    ] {
        let seen = world
            .opsbox(&["plugins", "add", &wrong])
            .exits(2)
            .says(&["<secret>"]);
        assert!(!seen.stderr.contains(SECRET), "{}", seen.stderr);
    }
}

#[track_caller]
fn they_serve_once(world: &World) {
    world.project("greet", "0.3", "hello");
    let wheel = world.sandbox.path("work").join(world.wheel("greet"));
    let port = guarded(fs::read(wheel).unwrap());
    let rest = format!("127.0.0.1:{port}/greet-0.3-py3-none-any.whl");
    let seen = world
        .opsbox(&["plugins", "add", "-v", &format!("http://usr:{SECRET}@{rest}")])
        .exits(0)
        .prints(&[&format!("added: greet 0.3, from http://{rest}")]);
    assert!(!(seen.stdout + &seen.stderr).contains(SECRET));
    assert_eq!(world.lock()["requested"][0]["what"], format!("http://{rest}"));
    assert_eq!(world.locked("greet")["url"], format!("http://{rest}"));
    holds_no_secret(&world.sandbox.path("home"));
}

/// Makes the same again, with an empty cache: what is in one, an installer may not ask for again.
fn again(world: &World, cache: &str) -> Seen {
    let args = ["plugins", "add", "--locked"];
    let mut command = world.command(&args);
    for name in ["UV_CACHE_DIR", "PIP_CACHE_DIR"] {
        command.env(name, world.sandbox.path(cache));
    }
    world.sandbox.finish(&args, &mut command)
}

#[test]
fn by_uv() {
    let Some(world) = World::uv() else { return };
    if std::process::Command::new("git")
        .arg("--version")
        .output()
        .is_ok()
    {
        nothing_is_shown_where_it_fails(&world);
    }
    they_serve_once(&world);
    again(&world, "first").exits(1).says(&REFUSED);
    let entry = format!("machine 127.0.0.1 login usr password {SECRET}\n");
    world.sandbox.write("home/.netrc", &entry);
    again(&world, "second").exits(0);
    assert_eq!(world.found("greet"), "hello");
}

/// Each environment by pip takes its time, so this is what differs by installer: what it leaves behind, and how it says that it was refused.
#[test]
fn by_pip() {
    let Some(world) = World::pip() else { return };
    they_serve_once(&world);
    again(&world, "cold").exits(1).says(&REFUSED);
}

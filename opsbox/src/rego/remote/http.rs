//! Requests to the OPA server: each with a limit of time, each left alone when the host cancels.
//!
//! A request runs on a thread of its own, so that a cancel need not wait for a server that does not answer.

use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, http};

/// The longest answer that is read, in bytes.
const MOST_BYTES: u64 = 1 << 30;
/// Where systems keep the certificates of the authorities that they trust.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

enum Event {
    Done(Result<Response, String>),
    Interrupted,
}

/// Tells whoever waits for the server that the host wants no answer any more.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Mutex<Interrupted>>);

#[derive(Debug, Default)]
struct Interrupted {
    is_set: bool,
    waiting: Option<Sender<Event>>,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Event")
    }
}

impl Interrupt {
    /// Interrupts the request that is waited for, and every one that comes.
    pub fn set(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_set = true;
        if let Some(waiting) = state.waiting.take() {
            // Nobody waits any more where the answer came meanwhile.
            let _told = waiting.send(Event::Interrupted);
        }
    }

    /// Says whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_set
    }

    fn listen(&self, events: &Sender<Event>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_set {
            let _told = events.send(Event::Interrupted);
        } else {
            state.waiting = Some(events.clone());
        }
    }
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The host wants none any more.
    Interrupted,
    /// The reason, half a sentence about the server.
    Failed(String),
}

/// What an interrupt does to a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// It is given up at once.
    None,
    /// It may still end within this time; its answer is not used.
    ForAWhile(Duration),
    /// Nothing: it is the clearing up itself.
    Endless,
}

/// A connection to one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    base: String,
    interrupt: Interrupt,
}

impl Client {
    /// Makes a client of a server; connects to nobody yet.
    ///
    /// `base` is its URL without a `/` at its end; `authorities` a file of certificates to trust instead of the system's.
    ///
    /// # Errors
    /// Why there are no certificates to check an `https` server with.
    pub(super) fn new(base: &str, authorities: Option<&str>, interrupt: Interrupt) -> Result<Self, String> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("opsbox/", env!("CARGO_PKG_VERSION")));
        if base.starts_with("https:") {
            config = config.tls_config(tls(authorities)?);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            base: base.to_owned(),
            interrupt,
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`Trouble`]; any HTTP status is an answer.
    pub(super) fn send(
        &self,
        method: http::Method,
        path: &str,
        body: Arc<Vec<u8>>,
        limit: Duration,
        patience: Patience,
    ) -> Result<Response, Trouble> {
        let (tx, events) = channel();
        if !matches!(patience, Patience::Endless) {
            self.interrupt.listen(&tx);
            if self.interrupt.is_set() {
                return Err(Trouble::Interrupted);
            }
        }
        let (agent, url) = (self.agent.clone(), format!("{}{path}", self.base));
        let asked = thread::Builder::new().name("opa".into()).spawn(move || {
            // Nobody waits any more where the request was given up.
            let _told = tx.send(Event::Done(call(&agent, method, &url, &body, limit)));
        });
        if let Err(error) = asked {
            return Err(Trouble::Failed(format!("cannot be asked: {error}")));
        }
        match events.recv() {
            Ok(Event::Done(answer)) => answer.map_err(Trouble::Failed),
            Ok(Event::Interrupted) => {
                if let Patience::ForAWhile(time) = patience {
                    linger(&events, time);
                }
                Err(Trouble::Interrupted)
            }
            Err(_) => Err(Trouble::Failed("cannot be asked: the request was lost".into())),
        }
    }
}

fn linger(events: &Receiver<Event>, time: Duration) {
    match events.recv_timeout(time) {
        Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
    }
}

fn call(
    agent: &Agent,
    method: http::Method,
    url: &str,
    body: &[u8],
    limit: Duration,
) -> Result<Response, String> {
    let said = |error: ureq::Error| words(&error, limit);
    let kind = if method == http::Method::PUT {
        "text/plain"
    } else {
        "application/json"
    };
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", kind)
        .body(body)
        .map_err(|_| "has an address that is no URL".to_owned())?;
    let request = agent
        .configure_request(request)
        .timeout_global(Some(limit))
        .build();
    let mut response = agent.run(request).map_err(said)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
    Ok(Response {
        status,
        body: body.map_err(said)?,
    })
}

/// Says what went wrong as half a sentence about the server; never with its URL, which may hold a password.
fn words(error: &ureq::Error, limit: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("did not answer within {limit:.1?}"),
        ureq::Error::Io(error) => format!("cannot be reached: {error}"),
        ureq::Error::HostNotFound => "cannot be reached: no host has this name".into(),
        ureq::Error::ConnectionFailed => "cannot be reached: the connection failed".into(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "has an address that is no URL".into(),
        ureq::Error::BodyExceedsLimit(most) => format!("answered with more than {most} bytes"),
        other => format!("cannot be talked to: {other}"),
    }
}

fn tls(authorities: Option<&str>) -> Result<TlsConfig, String> {
    let files: Vec<&str> = authorities.map_or_else(|| AUTHORITIES.to_vec(), |file| vec![file]);
    let Some((file, pem)) = files.iter().find_map(|file| Some((file, fs::read(file).ok()?))) else {
        let looked = files.join(", ");
        return Err(format!(
            "cannot be trusted: there are no certificates in {looked}"
        ));
    };
    let trusted: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if trusted.is_empty() {
        return Err(format!("cannot be trusted: `{file}` holds no certificate"));
    }
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(trusted))
        .build())
}

#[cfg(test)]
mod tests;

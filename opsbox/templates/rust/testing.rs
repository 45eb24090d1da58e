//! A call without a host, for tests.

use super::*;

/// What a call said, line by line.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    #[allow(dead_code)] // Not every plugin says something.
    pub fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a call with these parameters and this configuration, to whose first question the host answers `answer`.
pub fn call(params: &str, config: Value, answer: &str) -> (Call, Said) {
    let (said, (send, answers)) = (Said::default(), channel());
    let answer = format!("{{\"id\":\"p1\",\"result\":{answer}}}");
    send.send(serde_json::from_str(&answer).unwrap()).unwrap();
    let host = Host::new(Box::new(said.clone()), answers);
    *lock(&host.features) = FEATURES.map(str::to_owned).to_vec();
    let (params, config) = (
        serde_json::from_str(params).unwrap(),
        config.as_object().unwrap().clone(),
    );
    let (host, id) = (Arc::new(host), "1".to_owned());
    (
        Call {
            host,
            id,
            params,
            config,
        },
        said,
    )
}

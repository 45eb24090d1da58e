//! Data of a plausible kind and any size: block volumes as a cloud's API lists them, the same on every machine.

use std::fmt::Write;

/// A volume, reduced to what the checks ask.
pub(crate) struct Volume {
    pub(crate) state: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) size: u64,
    pub(crate) encrypted: bool,
    pub(crate) environment: Option<&'static str>,
    pub(crate) created_year: u64,
    seed: u64,
    index: usize,
}

impl Volume {
    pub(crate) fn of(index: usize) -> Self {
        let seed = mixed(index as u64);
        let percent = |shift: u32| (seed >> shift) % 100;
        Self {
            state: if percent(0) < 10 { "available" } else { "in-use" },
            kind: ["gp2", "gp3", "gp3", "gp3", "gp3", "io2", "st1", "gp3"][(seed >> 8) as usize % 8],
            size: [8, 20, 50, 100, 200, 500, 1000, 16_000][(seed >> 12) as usize % 8],
            encrypted: percent(20) >= 5,
            environment: if percent(28) < 3 {
                None
            } else {
                Some(["prod", "test", "stage"][(seed >> 36) as usize % 3])
            },
            created_year: 2016 + (seed >> 40) % 10,
            seed,
            index,
        }
    }

    /// Appends the volume's JSON text, about 225 bytes.
    pub(crate) fn write(&self, out: &mut String) {
        let day = 1 + (self.seed >> 44) % 28;
        let month = 1 + (self.seed >> 50) % 12;
        // Writing into a string cannot fail.
        let _ = write!(
            out,
            r#"{{"VolumeId":"vol-{:017x}","VolumeType":"{}","State":"{}","Size":{},"Iops":{},"Encrypted":{},"AvailabilityZone":"eu-west-1{}","CreateTime":"{}-{month:02}-{day:02}T{:02}:30:00Z","Tags":{{"Name":"web-{:06}"{}}}}}"#,
            self.seed & 0xfff_ffff_ffff_ffff,
            self.kind,
            self.state,
            self.size,
            3 * self.size.max(33),
            self.encrypted,
            ['a', 'b', 'c'][(self.seed >> 54) as usize % 3],
            self.created_year,
            (self.seed >> 56) % 24,
            self.index,
            self.environment
                .map_or_else(String::new, |name| format!(r#","Env":"{name}""#)),
        );
    }
}

/// Returns a JSON list of volumes, one line.
pub(crate) fn list(n_volumes: usize) -> String {
    let mut text = String::with_capacity(n_volumes * 240);
    append_list(&mut text, |index, _| index < n_volumes);
    text
}

/// Returns the JSON text of a Result of this many bytes, give or take a volume.
pub(crate) fn result(bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 1024);
    text.push_str(
        r#"{"relates_to":"bench","result_name":"volumes","result_description":"volumes","details":"#,
    );
    append_list(&mut text, |_, length| length < bytes);
    text.push_str(r#","formatted":""}"#);
    text.into_bytes()
}

fn append_list(text: &mut String, wants_more: impl Fn(usize, usize) -> bool) {
    text.push('[');
    let mut index = 0;
    while wants_more(index, text.len()) {
        if index > 0 {
            text.push(',');
        }
        Volume::of(index).write(text);
        index += 1;
    }
    text.push(']');
}

/// One step of splitmix64 (Steele, Lea, Flood 2014): enough to look random, the same everywhere.
fn mixed(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

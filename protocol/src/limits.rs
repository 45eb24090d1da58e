//! The limits of wire v1, as told to a plugin in `initialize`.

/// Longest line, in bytes before its `\n`, that a plugin may send before the handshake is done.
pub const HANDSHAKE_LINE_BYTES: u64 = 1024 * 1024;
/// Longest line, in bytes, from a plugin whose manifest has `[run]`, unless set otherwise.
pub const LINE_BYTES: u64 = 256 * 1024 * 1024;
/// Longest line, in bytes, from a legacy Python plugin, unless set otherwise.
pub const LEGACY_LINE_BYTES: u64 = 1024 * 1024 * 1024;
/// Deepest nesting of arrays and objects, counted over the whole line.
pub const DEPTH: u32 = 128;
/// Most calls that the host has open with one plugin.
pub const IN_FLIGHT: u32 = 64;
/// Longest text of one `log` notification, in bytes; longer ones are cut.
pub const LOG_BYTES: u32 = 8 * 1024;
/// Longest stderr line that is kept, in bytes; longer ones are cut.
pub const STDERR_LINE_BYTES: u32 = 64 * 1024;
/// Noise that is borne before the handshake is done: lines.
pub const NOISE_LINES_HANDSHAKE: u32 = 200;
/// Noise that is borne before the handshake is done: bytes.
pub const NOISE_BYTES_HANDSHAKE: u64 = 64 * 1024;
/// Noise that is borne after the handshake: lines in each period of [`NOISE_PERIOD_SECONDS`].
pub const NOISE_LINES: u32 = 100;
/// The period over which noise is counted after the handshake.
pub const NOISE_PERIOD_SECONDS: u64 = 10;
/// Damaged protocol lines of which the last one fails the plugin.
pub const DAMAGED_LINES: u32 = 3;

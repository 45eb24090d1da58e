//! Floats as text.

/// Appends a finite float as Go's and Python's JSON spell it: the shortest digits that mean it, from 1e16 on and below 1e-4 with an exponent, which
/// has two digits at least (`1e-07`).
pub fn float(text: &mut Vec<u8>, value: f64) {
    if value == 0.0 || value.abs() >= 1e-4 {
        // Of digits that are equally near, the standard library's formatting takes another than they do.
        // The writer is a vector and the float is finite, so this cannot fail.
        let _ = serde_json::to_writer(text, &value);
        return;
    }
    let spelt = format!("{value:e}");
    let (digits, exponent) = spelt.split_once("e-").unwrap_or((&spelt, "0"));
    text.extend_from_slice(format!("{digits}e-{exponent:0>2}").as_bytes());
}

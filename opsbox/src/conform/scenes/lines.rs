//! Lines in every form: whole, in pieces, long, deep, broken, and none at all.

use serde_json::json;

use crate::conform::sample;
use crate::conform::scene::Scene;
use crate::conform::stage::{NO_METHOD, Stage, request};

/// Lines in every form that a host may send them in.
pub(super) async fn frames(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("frames");
    let hello = act.hello();
    if !act.greet(&hello).await {
        return act.leave().await;
    }
    act.tell(&[b"", b"  \t", b"\r"]).await;
    act.fence("after blanks").await;
    let id = act.id();
    let line = request(id, NO_METHOD, "{\"text\":\"in three pieces: \u{e9}\"}");
    // The second cut is in the middle of a character.
    let pieces: [&[u8]; 3] = [&line[..20], &line[20..line.len() - 5], &line[line.len() - 5..]];
    act.ask_pieces("in pieces", NO_METHOD, id, &pieces).await;
    let (first, second) = (act.id(), act.id());
    let both = [request(first, NO_METHOD, "{}"), request(second, NO_METHOD, "{}")].concat();
    if act.send("joined", NO_METHOD, first, &[&both]).await {
        act.wait("joined").await;
        act.send("joined second", NO_METHOD, second, &[]).await;
        act.wait("joined second").await;
    }
    let text = "{\"text\":\"\u{2028} \u{2029} \u{85} \\n \\u0000 \u{1F600} \\ud83d\\ude00\"}";
    act.ask("separators", NO_METHOD, text).await;
    let nested = json!({"id": 9_001, "method": "shutdown", "jsonrpc": "2.0", "result": {}, "error": null});
    act.ask("nested members", NO_METHOD, &nested.to_string()).await;
    act.notify("opsbox_no_such_notification", &nested).await;
    act.fence("after nested").await;
    act.next_id_is((1 << 53) - 3);
    act.fence("great id").await;
    act.end().await
}

/// Lines that are no messages, and none of which is answered.
pub(super) async fn noise(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("noise");
    let hello = act.hello();
    if !act.greet(&hello).await {
        return act.leave().await;
    }
    act.tell(&[
        b"hello",
        b"{\"a\":1}",
        b"null",
        b"42",
        b"\"text\"",
        b"\xff\xfe noise",
    ])
    .await;
    act.fence("after noise").await;
    act.tell(&[
        b"{\"jsonrpc\":\"2.0\",\"method\":\"grab_config\",\"params\":{\"text\":\"\xff\"}",
        b"{\"jsonrpc\":\"2.0\",\"method\"",
        b"\"jsonrpc\"",
        b"{\"jsonrpc\":\"2.0\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":\"nobody\",\"result\":{}}",
    ])
    .await;
    act.fence("after damage").await;
    let batch = format!("[{{\"jsonrpc\":\"2.0\",\"id\":9001,\"method\":\"{NO_METHOD}\",\"params\":{{}}}}]");
    act.tell(&[batch.as_bytes()]).await;
    act.fence("after batch").await;
    act.end().await
}

/// A line that is longer than most buffers.
pub(super) async fn long(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("long");
    let hello = act.hello();
    if act.greet(&hello).await {
        let params = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
        act.ask("long", NO_METHOD, &params).await;
    }
    act.end().await
}

/// A Result that nests as deep as it may, or parameters that do.
pub(super) async fn deep(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("deep");
    if !act.prepare().await {
        return act.end().await;
    }
    let deep = sample::deep_result();
    let with_results = stage.facts.works.iter().find(|work| !work.key.is_empty());
    match with_results {
        Some(work) if work.key == "data" && work.hook != "process" => {
            act.ask("deep", &work.hook, &format!("{{\"data\":{deep}}}")).await;
        }
        Some(work) if work.key != "prior_results" => {
            let params = format!("{{\"{}\":[{deep}]}}", work.key);
            act.ask("deep", &work.hook, &params).await;
        }
        _ => {
            act.ask("deep", NO_METHOD, &format!("{{\"data\":[{deep}]}}"))
                .await;
        }
    }
    act.end().await
}

//! What is known of an output, from what is kept of its attempts.

use super::*;
use crate::plugin::Origin;
use crate::report::ErrorRecord;
use crate::store::kept::BEGUN;

const OUT: usize = 1;

/// Begins to keep a run whose output is about to deliver; `ended` is how that ended, where it did.
fn begun(place: Place, run: StoredRun, ended: Option<StepRecord>, before: impl FnOnce()) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let keeping = Keeping {
            place,
            run,
            max_bytes: 1 << 20,
            taken: BTreeMap::new(),
        };
        let notices = Notices {
            settled: Box::new(|_, _| {}),
            warned: Box::new(|_| {}),
        };
        let keeper = Keeper::start(keeping, notices).unwrap();
        keeper.flush().await;
        before();
        keeper.begun(OUT).await;
        if let Some(ended) = ended {
            keeper.step(OUT, ended, Vec::new());
        }
        keeper.flush().await;
        keeper.warnings()
    })
}

fn out(status: Status, code: Option<i64>) -> StepRecord {
    let error = |code| ErrorRecord {
        code,
        message: "it went wrong".into(),
        origin: Origin::Plugin,
        hints: Vec::new(),
        traceback: None,
    };
    StepRecord {
        status,
        errors: code.map(error).into_iter().collect(),
        ..StepRecord::new("out", Role::Output)
    }
}

fn sent(store: &Store) -> Sent {
    store.find("one").unwrap().sent("out")
}

#[test]
fn only_an_output_that_said_so_has_failed() {
    use opsbox_protocol::code::{EXITED, HOOK_FAILED, PROTOCOL_FAULT, SPAWN_FAILED, TIMEOUT, TOO_LARGE};
    let unclear = [EXITED, TIMEOUT, PROTOCOL_FAULT, TOO_LARGE].map(|code| (code, Sent::Unclear));
    let failed = [HOOK_FAILED, SPAWN_FAILED].map(|code| (code, Sent::Failed));
    for (code, known) in unclear.into_iter().chain(failed) {
        let (_folder, store) = store();
        let ended = Some(out(Status::Failed, Some(code)));
        begun(Place::Own(store.clone()), run("one", NEW), ended, || {});
        assert_eq!(sent(&store), known, "{code}");
    }
}

#[test]
fn what_has_arrived_stays_there_whatever_fails_later() {
    let (_folder, store) = store();
    let attempts = [
        (Status::Failed, Sent::Failed),
        (Status::Unknown, Sent::Unclear),
        (Status::Incomplete, Sent::Partly),
        (Status::Failed, Sent::Partly),
        (Status::Clean, Sent::Yes),
        (Status::Incomplete, Sent::Yes),
    ];
    for (number, (status, known)) in attempts.into_iter().enumerate() {
        let place = match number {
            0 => Place::Own(store.clone()),
            _ => Place::Delivery(store.find("one").unwrap().next_delivery()),
        };
        begun(place, run("one", NEW), Some(out(status, None)), || {});
        assert_eq!(sent(&store), known, "attempt {number}");
    }
}

#[test]
fn what_an_output_had_of_an_earlier_run_stays_known_without_an_ending() {
    let (_folder, store) = store();
    let mut run = run("one", NEW);
    run.steps[OUT].standing = Some(Standing {
        run: "before".into(),
        sent: Sent::Partly,
    });
    keep(&store, run, &[RESULT], 1 << 20, false);
    assert_eq!(sent(&store), Sent::Partly);
}

#[test]
fn an_output_whose_mark_cannot_be_written_is_taken_for_one_that_had_begun() {
    let (_folder, store) = store();
    let steps = store.root().join("one/steps");
    // A folder lies where the mark is written first, which no user's rights can do away with.
    let in_the_way = || fs::create_dir(steps.join(format!(".{}.new", file_name(OUT, "out", BEGUN)))).unwrap();
    let lost = begun(Place::Own(store.clone()), run("one", NEW), None, in_the_way);
    assert!(lost[0].contains("001-out.begun"), "{lost:?}");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(sent(&store), Sent::Unclear);
    // What ended there is known as ever.
    let kept = store.find("one").unwrap();
    assert_eq!(kept.steps[0].sent(), Sent::No);
}

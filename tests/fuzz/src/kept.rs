//! The files of a kept run: what can be read is what was written, and what is damaged is told.

use opsbox::fuzzing;
use opsbox::store::shape::{StoredData, StoredPlan, StoredRun, StoredStep};

/// The input is a file: `run.json`, or a step's first line with its Results below.
pub fn check(data: &[u8]) {
    if let Ok(run) = fuzzing::stored_run(data) {
        assert_eq!(run.store, 1);
        let text = serde_json::to_vec(&run).expect("a plan is JSON");
        let again: StoredRun = fuzzing::stored_run(&text).expect("what was written can be read");
        assert_eq!(again, run);
        run.steps
            .iter()
            .enumerate()
            .for_each(|(index, plan)| check_step(data, index, plan));
    }
    let plan = r#"{"plugin":"p","role":"provider","origin":"","fingerprint":""}"#;
    check_step(data, 0, &serde_json::from_str(plan).expect("a plan"));
}

fn check_step(data: &[u8], index: usize, plan: &StoredPlan) {
    let name = fuzzing::stored_name(index, &plan.plugin);
    assert_eq!(name.components().count(), 1, "{}", name.display());
    let end = data
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(data.len(), |at| at + 1);
    let Ok(step) = fuzzing::stored_step(&data[..end], data.len() as u64, plan) else {
        return;
    };
    assert_eq!((step.store, &step.step.plugin), (1, &plan.plugin));
    check_written(&step);
    if let StoredData::Here { results, bytes } = step.data {
        assert_eq!(bytes, (data.len() - end) as u64);
        if let Ok(found) = fuzzing::stored_results(data.to_vec(), results) {
            assert_eq!(found.len() as u64, results);
            let lines: Vec<&[u8]> = found.iter().map(|result| result.bytes.as_ref()).collect();
            let mut whole = lines.join(&b'\n');
            whole.extend((!whole.is_empty()).then_some(b'\n'));
            assert_eq!(whole.len() as u64, bytes, "not every byte belongs to a Result");
        }
    }
}

fn check_written(step: &StoredStep) {
    let text = serde_json::to_vec(step).expect("a step is JSON");
    let again: StoredStep = serde_json::from_slice(&text).expect("what was written can be read");
    assert_eq!(&again, step);
}

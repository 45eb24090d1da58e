//! The published providers against a mock of AWS, compared with what they gave the original there.

use super::checks::same_as_the_original;
use super::compatibility::{Claim, claim};

pub(super) const CLAIMS: &[Claim] = &[
    claim!(
        "ec2",
        "a mock of AWS",
        "same",
        providers_and_their_checks_against_a_mock_of_aws
    ),
    claim!(
        "s3",
        "a mock of AWS",
        "same",
        providers_and_their_checks_against_a_mock_of_aws
    ),
    claim!(
        "r53",
        "a mock of AWS",
        "same",
        providers_and_their_checks_against_a_mock_of_aws
    ),
    claim!(
        "efs",
        "a mock of AWS",
        "same",
        providers_and_their_checks_against_a_mock_of_aws
    ),
];

#[test]
fn providers_and_their_checks_against_a_mock_of_aws() {
    same_as_the_original("cloud");
}

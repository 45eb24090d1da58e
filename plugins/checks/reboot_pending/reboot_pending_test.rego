package reboot_pending_test

import data.reboot_pending

defaults := {"reboot_overdue_days": 30}

machine(container, uptime_seconds, reboot) := {
	"os": {"id": "debian", "kernel": "6.1.0-18-amd64", "container": container, "uptime_seconds": uptime_seconds},
	"reboot": reboot,
}

day := 86400

waiting := {"pending": true, "reasons": ["kernel 6.1.0-21-amd64 is installed"]}

test_nothing_pending_is_clean if {
	found := reboot_pending.details with input as machine(null, 400 * day, {"pending": false, "reasons": []})
		with data.config as defaults
	found == []
}

test_pending_is_a_finding_with_its_reasons if {
	found := reboot_pending.details with input as machine(null, 3 * day, waiting) with data.config as defaults
	count(found) == 1
	found[0].resource == "reboot"
	found[0].message == "a reboot is pending: kernel 6.1.0-21-amd64 is installed (up for 3 days)"
	found[0].reasons == waiting.reasons
	found[0].kernel == "6.1.0-18-amd64"
	found[0].uptime_days == 3
	not "severity" in object.keys(found[0])
}

test_medium_starts_at_its_threshold if {
	before := reboot_pending.details with input as machine(null, (30 * day) - 1, waiting) with data.config as defaults
	not "severity" in object.keys(before[0])
	at := reboot_pending.details with input as machine(null, 30 * day, waiting) with data.config as defaults
	at[0].severity == "medium"
}

test_an_unknown_reason_or_uptime_does_not_hide_it if {
	found := reboot_pending.details with input as machine(null, null, {"pending": true}) with data.config as defaults
	found[0].message == "a reboot is pending"
	found[0].uptime_days == null
	found[0].reasons == []
}

test_the_first_day_counts_as_0 if {
	found := reboot_pending.details with input as machine(null, 60, waiting) with data.config as defaults
	found[0].uptime_days == 0
}

test_a_container_is_not_applicable if {
	applies := reboot_pending.applies with input as machine("docker", day, waiting) with data.config as defaults
	applies == false
}

test_a_machine_is_applicable if {
	reboot_pending.applies with input as machine(null, day, waiting) with data.config as defaults
}

test_missing_sections_have_no_answer if {
	full := machine(null, day, waiting)
	not reboot_pending.details with input as {"os": full.os} with data.config as defaults
	not reboot_pending.details with input as {"reboot": full.reboot} with data.config as defaults
	not reboot_pending.details with input as {} with data.config as defaults
	reboot_pending.applies with input as {} with data.config as defaults
}

test_malformed_sections_have_no_answer if {
	not reboot_pending.details with input as machine(null, day, null) with data.config as defaults
	not reboot_pending.details with input as machine(null, day, {"pending": "no"}) with data.config as defaults
	not reboot_pending.details with input as {"os": null, "reboot": waiting} with data.config as defaults
}

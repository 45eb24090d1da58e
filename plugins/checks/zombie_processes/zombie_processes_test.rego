package zombie_processes_test

import data.zombie_processes

defaults := {"zombies_allowed": 5, "zombies_high": 200}

process(pid, ppid, name, state) := {
	"pid": pid,
	"ppid": ppid,
	"name": name,
	"state": state,
	"uid": 33,
	"user": "www-data",
	"command": "x --token=s",
	"memory_bytes": 0,
	"age_seconds": 60 + pid,
}

living := [process(1, 0, "systemd", "sleeping"), process(800, 1, "nginx", "sleeping"), process(900, 1, "cron", "running")]

left_by(ppid, first, n) := [process(pid, ppid, "worker", "zombie") | some pid in numbers.range(first, (first + n) - 1)]

test_no_zombies_is_clean if {
	found := zombie_processes.details with input as {"processes": living} with data.config as defaults
	found == []
}

test_exactly_the_allowed_number_is_clean if {
	given := array.concat(living, left_by(800, 1000, 5))
	found := zombie_processes.details with input as {"processes": given} with data.config as defaults
	found == []
}

test_one_more_is_a_finding_of_its_parent if {
	given := array.concat(living, left_by(800, 1000, 6))
	found := zombie_processes.details with input as {"processes": given} with data.config as defaults
	count(found) == 1
	found[0].resource == "nginx (pid 800)"
	found[0].message == "6 of 6 zombies left behind by nginx (pid 800)"
	found[0].count == 6
	found[0].threshold == 5
	found[0].parent == {"pid": 800, "name": "nginx", "user": "www-data", "state": "sleeping"}
	found[0].names == ["worker"]
	found[0].pids == [1000, 1001, 1002, 1003, 1004, 1005]
	found[0].oldest_seconds == 1065
	not "severity" in object.keys(found[0])
}

test_the_allowed_number_is_for_the_whole_machine_and_worst_comes_first if {
	given := array.concat(array.concat(living, left_by(900, 1000, 2)), left_by(800, 2000, 4))
	found := zombie_processes.details with input as {"processes": given} with data.config as defaults
	[[f.resource, f.count, f.total] | some f in found] == [["nginx (pid 800)", 4, 6], ["cron (pid 900)", 2, 6]]
}

test_none_allowed_reports_a_single_one if {
	given := array.concat(living, left_by(800, 1000, 1))
	found := zombie_processes.details with input as {"processes": given}
		with data.config as {"zombies_allowed": 0, "zombies_high": 200}
	found[0].message == "1 of 1 zombie left behind by nginx (pid 800)"
}

test_high_starts_at_its_threshold_and_pids_are_cut if {
	given := array.concat(array.concat(living, left_by(800, 1000, 199)), left_by(900, 2000, 200))
	found := zombie_processes.details with input as {"processes": given} with data.config as defaults
	found[0].resource == "cron (pid 900)"
	found[0].severity == "high"
	count(found[0].pids) == 20
	not "severity" in object.keys(found[1])
}

test_a_parent_outside_the_list_is_named_by_its_id if {
	found := zombie_processes.details with input as {"processes": left_by(4242, 1000, 6)} with data.config as defaults
	found[0].resource == "pid 4242"
	found[0].parent.name == null
}

test_a_missing_parent_id_does_not_hide_zombies if {
	orphans := [{"pid": n, "state": "zombie"} | some n in numbers.range(1, 6)]
	found := zombie_processes.details with input as {"processes": orphans} with data.config as defaults
	found[0].resource == "an unknown parent"
	found[0].count == 6
}

test_missing_section_has_no_answer if {
	not zombie_processes.details with input as {"os": {}} with data.config as defaults
	zombie_processes.applies with input as {"os": {}} with data.config as defaults
}

test_empty_or_malformed_section_has_no_answer if {
	not zombie_processes.details with input as {"processes": []} with data.config as defaults
	not zombie_processes.details with input as {"processes": null} with data.config as defaults
	not zombie_processes.details with input as {"processes": [{"pid": 1}]} with data.config as defaults
}

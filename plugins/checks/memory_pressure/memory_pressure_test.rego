package memory_pressure_test

import data.memory_pressure

defaults := {
	"memory_available_percent": 10,
	"memory_available_percent_critical": 4,
	"swap_used_percent": 80,
	"swap_judged_below_percent": 25,
}

gib := 1073741824

no_swap := {"total_bytes": 0, "free_bytes": 0, "used_bytes": 0}

# A machine of 100 GiB, so that a GiB is one percent.
machine(available, swap_used) := {
	"memory": {"total_bytes": 100 * gib, "available_bytes": available * gib, "used_bytes": (100 - available) * gib},
	"swap": {"total_bytes": 10 * gib, "free_bytes": (10 - swap_used) * gib, "used_bytes": swap_used * gib},
}

test_plenty_of_memory_is_clean if {
	found := memory_pressure.details with input as machine(60, 0) with data.config as defaults
	found == []
}

test_exactly_the_threshold_is_clean if {
	found := memory_pressure.details with input as machine(10, 0) with data.config as defaults
	found == []
}

test_below_the_threshold_is_a_finding if {
	found := memory_pressure.details with input as machine(9, 0) with data.config as defaults
	count(found) == 1
	found[0].resource == "memory"
	found[0].available_percent == 9
	found[0].threshold_percent == 10
	found[0].message == "only 9 % of memory is available: 9.0 GiB of 100.0 GiB"
	not "severity" in object.keys(found[0])
}

test_critical_is_below_its_threshold if {
	at := memory_pressure.details with input as machine(4, 0) with data.config as defaults
	not "severity" in object.keys(at[0])
	below := memory_pressure.details with input as machine(3, 0) with data.config as defaults
	below[0].severity == "critical"
	below[0].threshold_percent == 4
}

test_full_swap_beside_plenty_of_memory_is_clean if {
	found := memory_pressure.details with input as machine(60, 10) with data.config as defaults
	found == []
}

test_swap_at_its_threshold_while_memory_is_short_is_a_finding if {
	found := memory_pressure.details with input as machine(24, 8) with data.config as defaults
	[f.resource | some f in found] == ["swap"]
	found[0].used_percent == 80
	found[0].message == "80 % of swap is in use (8.0 GiB of 10.0 GiB) while 24 % of memory is available"
}

test_swap_below_its_threshold_is_clean if {
	found := memory_pressure.details with input as machine(24, 7.9) with data.config as defaults
	found == []
}

test_swap_can_be_judged_always if {
	found := memory_pressure.details with input as machine(100, 9)
		with data.config as object.union(defaults, {"swap_judged_below_percent": 100})
	[f.resource | some f in found] == ["swap"]
}

test_memory_comes_before_swap if {
	found := memory_pressure.details with input as machine(2, 10) with data.config as defaults
	[f.resource | some f in found] == ["memory", "swap"]
}

test_a_machine_without_swap_is_judged_by_its_memory if {
	given := object.union(machine(9, 0), {"swap": no_swap})
	found := memory_pressure.details with input as given with data.config as defaults
	[f.resource | some f in found] == ["memory"]
}

test_percent_has_one_decimal if {
	given := {"memory": {"total_bytes": 16511275008, "available_bytes": 1370435826}, "swap": no_swap}
	found := memory_pressure.details with input as given with data.config as defaults
	found[0].available_percent == 8.3
	found[0].message == "only 8.3 % of memory is available: 1.3 GiB of 15.4 GiB"
}

test_the_largest_processes_are_named_without_their_command_lines if {
	processes := [{"pid": n, "name": "worker", "user": "app", "command": "x --token=s", "memory_bytes": n * 1000} |
		some n in numbers.range(1, 8)
	]
	given := object.union(machine(2, 0), {"processes": processes})
	found := memory_pressure.details with input as given with data.config as defaults
	[p.pid | some p in found[0].largest_processes] == [8, 7, 6, 5, 4]
	object.keys(found[0].largest_processes[0]) == {"pid", "name", "user", "memory_bytes"}
}

test_missing_processes_do_not_matter if {
	found := memory_pressure.details with input as machine(2, 0) with data.config as defaults
	found[0].largest_processes == []
}

test_missing_section_has_no_answer if {
	full := machine(2, 10)
	not memory_pressure.details with input as {"memory": full.memory} with data.config as defaults
	not memory_pressure.details with input as {"swap": full.swap} with data.config as defaults
	not memory_pressure.details with input as {} with data.config as defaults
	memory_pressure.applies with input as {} with data.config as defaults
}

test_malformed_section_has_no_answer if {
	full := machine(2, 10)
	odd := {"total_bytes": 0, "available_bytes": 0}
	not memory_pressure.details with input as {"memory": odd, "swap": full.swap} with data.config as defaults
	not memory_pressure.details with input as {"memory": null, "swap": null} with data.config as defaults
	not memory_pressure.details with input as {"memory": {"total_bytes": 1}, "swap": full.swap}
		with data.config as defaults
}

# Finds parents that leave ended processes uncollected, once the machine has more zombies than allowed.
#
# A few are normal: every process is a zombie between its end and its parent's wait.
package zombie_processes

# Every machine has processes.
applies := true

# Worst first.
details := [row[2] | some row in sort([[0 - f.count, f.resource, f] | some f in findings])] if processes

# Undefined for data of another shape, and `details` with it. A machine without any process was not looked at.
processes := input.processes if {
	is_array(input.processes)
	count(input.processes) > 0
	every process in input.processes {
		is_number(process.pid)
		is_string(process.state)
	}
}

zombies := [process |
	some process in processes
	process.state == "zombie"
]

parents := {object.get(zombie, "ppid", null) |
	count(zombies) > data.config.zombies_allowed
	some zombie in zombies
}

findings := [finding |
	some ppid in parents
	children := [zombie |
		some zombie in zombies
		object.get(zombie, "ppid", null) == ppid
	]
	pids := sort([zombie.pid | some zombie in children])
	finding := object.union(
		{
			"resource": resource(ppid),
			"message": sprintf("%v of %v %s left behind by %s", [
				count(children),
				count(zombies),
				noun,
				resource(ppid),
			]),
			"count": count(children),
			"total": count(zombies),
			"threshold": data.config.zombies_allowed,
			"parent": parent(ppid),
			"names": sort({name | some zombie in children; name := object.get(zombie, "name", null)}),
			"pids": array.slice(pids, 0, 20),
			"oldest_seconds": max([age | some zombie in children; age := object.get(zombie, "age_seconds", null)]),
		},
		urgency(children),
	)
]

noun := "zombie" if {
	count(zombies) == 1
} else := "zombies"

urgency(children) := {"severity": "high", "threshold": data.config.zombies_high} if {
	count(children) >= data.config.zombies_high
} else := {}

resource(ppid) := sprintf("%s (pid %v)", [parent(ppid).name, ppid]) if {
	is_string(parent(ppid).name)
} else := sprintf("pid %v", [ppid]) if {
	is_number(ppid)
} else := "an unknown parent"

# Command lines are left out: they may hold secrets.
parent(ppid) := {
	"pid": ppid,
	"name": object.get(found[0], "name", null),
	"user": object.get(found[0], "user", null),
	"state": object.get(found[0], "state", null),
} if {
	found := [process | some process in processes; process.pid == ppid]
	count(found) > 0
} else := {"pid": ppid, "name": null, "user": null, "state": null}

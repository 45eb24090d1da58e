# Finds a machine that is short of memory, or that swaps because of it.
#
# "Available" is the kernel's own estimate of what can be used without swapping; caches count as available.
# A machine without swap is judged by its memory alone.
package memory_pressure

# Every machine has memory.
applies := true

details := array.concat(memory_findings, swap_findings) if {
	memory
	swap
}

# Undefined for data of another shape, and `details` with it.
memory := input.memory if {
	is_number(input.memory.available_bytes)
	is_number(input.memory.total_bytes)
	input.memory.total_bytes > 0
}

swap := input.swap if {
	is_number(input.swap.used_bytes)
	is_number(input.swap.total_bytes)
}

available_percent := percent(memory.available_bytes, memory.total_bytes)

swap_percent := percent(swap.used_bytes, swap.total_bytes) if swap.total_bytes > 0

threshold := max([data.config.memory_available_percent, data.config.memory_available_percent_critical])

memory_findings := [finding |
	available_percent < threshold
	finding := object.union(
		{
			"resource": "memory",
			"message": sprintf("only %v %% of memory is available: %s of %s", [
				available_percent,
				size(memory.available_bytes),
				size(memory.total_bytes),
			]),
			"available_percent": available_percent,
			"available_bytes": memory.available_bytes,
			"total_bytes": memory.total_bytes,
			"threshold_percent": threshold,
			"largest_processes": largest,
		},
		urgency,
	)
]

urgency := {
	"severity": "critical",
	"threshold_percent": data.config.memory_available_percent_critical,
} if {
	available_percent < data.config.memory_available_percent_critical
} else := {}

swap_findings := [finding |
	swap_percent >= data.config.swap_used_percent
	swap_is_judged
	finding := {
		"resource": "swap",
		"message": sprintf("%v %% of swap is in use (%s of %s) while %v %% of memory is available", [
			swap_percent,
			size(swap.used_bytes),
			size(swap.total_bytes),
			available_percent,
		]),
		"used_percent": swap_percent,
		"used_bytes": swap.used_bytes,
		"total_bytes": swap.total_bytes,
		"memory_available_percent": available_percent,
		"threshold_percent": data.config.swap_used_percent,
	}
]

swap_is_judged if available_percent < data.config.swap_judged_below_percent

swap_is_judged if data.config.swap_judged_below_percent >= 100

# The five largest by resident memory. They only enrich a finding, so `reads` does not name `processes`.
# Command lines are left out: they may hold secrets.
largest := array.slice([row[2] | some row in sort(by_memory)], 0, 5)

by_memory := [[0 - p.memory_bytes, p.pid, shown] |
	is_array(input.processes)
	some p in input.processes
	is_number(p.memory_bytes)
	p.memory_bytes > 0
	shown := {
		"pid": p.pid,
		"name": object.get(p, "name", null),
		"user": object.get(p, "user", null),
		"memory_bytes": p.memory_bytes,
	}
]

# One decimal, as a share of 100.
percent(part, whole) := round((part * 1000) / whole) / 10

size(bytes) := sprintf("%s GiB", [tenths(bytes / 1073741824)]) if bytes >= 1073741824

size(bytes) := sprintf("%s MiB", [tenths(bytes / 1048576)]) if bytes < 1073741824

# One decimal from whole numbers, since OPA's `%.1f` refuses an integer.
tenths(n) := sprintf("%v.%v", [floor(t / 10), t % 10]) if t := round(n * 10)

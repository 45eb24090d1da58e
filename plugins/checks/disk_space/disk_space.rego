# Finds writable file systems that are nearly full.
#
# Read-only ones (snaps, images, CDs) are always full and are left out. A volume that is mounted in
# several places is one finding, under its shortest path.
package disk_space

default applies := true

# Nothing that is mounted here can be written to, so nothing can fill up.
applies := false if {
	filesystems
	count(writable) == 0
}

# Worst first.
details := [row[2] | some row in sort([[0 - f.used_percent, f.resource, f] | some f in findings])] if filesystems

# Undefined for data of another shape, and `details` with it: that must not look like healthy disks.
filesystems := input.filesystems if {
	is_array(input.filesystems)
	count(input.filesystems) > 0
	every fs in input.filesystems {
		is_string(fs.mount)
		known(fs)
	}
}

known(fs) if is_number(fs.used_percent)

known(fs) if is_null(fs.used_percent)

writable := [fs |
	some fs in filesystems
	object.get(fs, "read_only", false) != true
]

threshold := min([data.config.disk_used_percent, data.config.disk_used_percent_critical])

over := [fs |
	some fs in writable
	is_number(fs.used_percent)
	fs.used_percent >= threshold
	not ignored(fs)
]

ignored(fs) if {
	some pattern in data.config.disk_ignore_mounts
	glob.match(pattern, ["/"], fs.mount)
}

findings := [finding |
	some fs in over
	mounts := mounts_of(fs)
	mounts[0] == fs.mount
	finding := object.union(
		{
			"resource": fs.mount,
			"message": sprintf("%s is %v %% full, %s", [fs.mount, fs.used_percent, left(fs)]),
			"also_mounted_at": array.slice(mounts, 1, count(mounts)),
			"device": object.get(fs, "device", null),
			"type": object.get(fs, "type", null),
			"used_percent": fs.used_percent,
			"available_bytes": object.get(fs, "available_bytes", null),
			"total_bytes": object.get(fs, "total_bytes", null),
			"threshold_percent": threshold,
		},
		urgency(fs),
	)
]

urgency(fs) := {"severity": "critical", "threshold_percent": data.config.disk_used_percent_critical} if {
	fs.used_percent >= data.config.disk_used_percent_critical
} else := {}

mounts_of(fs) := [pair[1] |
	some pair in sort([[count(other.mount), other.mount] |
		some other in over
		volume(other) == volume(fs)
	])
]

volume(fs) := [
	object.get(fs, "device", fs.mount),
	object.get(fs, "total_bytes", null),
	object.get(fs, "available_bytes", null),
]

left(fs) := sprintf("%s of %s available", [size(fs.available_bytes), size(fs.total_bytes)]) if {
	is_number(fs.available_bytes)
	is_number(fs.total_bytes)
} else := "size not known"

size(bytes) := sprintf("%s GiB", [tenths(bytes / 1073741824)]) if bytes >= 1073741824

size(bytes) := sprintf("%s MiB", [tenths(bytes / 1048576)]) if bytes < 1073741824

# One decimal from whole numbers, since OPA's `%.1f` refuses an integer.
tenths(n) := sprintf("%v.%v", [floor(t / 10), t % 10]) if t := round(n * 10)

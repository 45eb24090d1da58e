# Finds file systems that run out of inodes: "no space left on device" while `df` shows room.
#
# File systems without a fixed number of inodes (btrfs, vfat) and read-only ones are left out. A volume
# that is mounted in several places is one finding, under its shortest path.
package inodes

default applies := true

# No writable file system here counts inodes.
applies := false if {
	filesystems
	count(counted) == 0
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

known(fs) if is_number(fs.inodes_used_percent)

known(fs) if is_null(fs.inodes_used_percent)

counted := [fs |
	some fs in filesystems
	object.get(fs, "read_only", false) != true
	is_number(fs.inodes_used_percent)
	object.get(fs, "inodes_total", null) != 0
]

threshold := min([data.config.inode_used_percent, data.config.inode_used_percent_critical])

over := [fs |
	some fs in counted
	fs.inodes_used_percent >= threshold
	not ignored(fs)
]

ignored(fs) if {
	some pattern in data.config.inode_ignore_mounts
	glob.match(pattern, ["/"], fs.mount)
}

findings := [finding |
	some fs in over
	mounts := mounts_of(fs)
	mounts[0] == fs.mount
	finding := object.union(
		{
			"resource": fs.mount,
			"message": sprintf("%s has used %v %% of its inodes, %s", [fs.mount, fs.inodes_used_percent, left(fs)]),
			"also_mounted_at": array.slice(mounts, 1, count(mounts)),
			"device": object.get(fs, "device", null),
			"type": object.get(fs, "type", null),
			"used_percent": fs.inodes_used_percent,
			"inodes_free": object.get(fs, "inodes_free", null),
			"inodes_total": object.get(fs, "inodes_total", null),
			"threshold_percent": threshold,
		},
		urgency(fs),
	)
]

urgency(fs) := {"severity": "critical", "threshold_percent": data.config.inode_used_percent_critical} if {
	fs.inodes_used_percent >= data.config.inode_used_percent_critical
} else := {}

mounts_of(fs) := [pair[1] |
	some pair in sort([[count(other.mount), other.mount] |
		some other in over
		volume(other) == volume(fs)
	])
]

volume(fs) := [
	object.get(fs, "device", fs.mount),
	object.get(fs, "inodes_total", null),
	object.get(fs, "inodes_free", null),
]

left(fs) := sprintf("%v of %v free", [fs.inodes_free, fs.inodes_total]) if {
	is_number(fs.inodes_free)
	is_number(fs.inodes_total)
} else := "count not known"

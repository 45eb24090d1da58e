package inodes_test

import data.inodes

defaults := {
	"inode_used_percent": 85,
	"inode_used_percent_critical": 95,
	"inode_ignore_mounts": [],
}

fs(mount, used) := {
	"mount": mount,
	"device": concat("", ["/dev", mount]),
	"type": "ext4",
	"inodes_total": 2621440,
	"inodes_free": 131072,
	"inodes_used": 2490368,
	"inodes_used_percent": used,
	"read_only": false,
}

without_inodes(mount) := json.patch(fs(mount, null), [
	{"op": "replace", "path": "/type", "value": "btrfs"},
	{"op": "replace", "path": "/inodes_total", "value": 0},
])

test_below_the_threshold_is_clean if {
	found := inodes.details with input as {"filesystems": [fs("/", 84.9)]} with data.config as defaults
	found == []
}

test_exactly_the_threshold_is_a_finding if {
	found := inodes.details with input as {"filesystems": [fs("/var", 85)]} with data.config as defaults
	count(found) == 1
	found[0].resource == "/var"
	found[0].threshold_percent == 85
	found[0].message == "/var has used 85 % of its inodes, 131072 of 2621440 free"
	not "severity" in object.keys(found[0])
}

test_critical_starts_at_its_threshold if {
	found := inodes.details with input as {"filesystems": [fs("/a", 94.9), fs("/b", 95)]} with data.config as defaults
	[f.resource | some f in found] == ["/b", "/a"]
	found[0].severity == "critical"
	not "severity" in object.keys(found[1])
}

test_file_systems_without_inodes_are_left_out if {
	given := {"filesystems": [without_inodes("/home"), fs("/", 10)]}
	found := inodes.details with input as given with data.config as defaults
	found == []
	inodes.applies with input as given with data.config as defaults
}

test_only_file_systems_without_inodes_is_not_applicable if {
	applies := inodes.applies with input as {"filesystems": [without_inodes("/")]} with data.config as defaults
	applies == false
}

test_read_only_is_left_out if {
	image := json.patch(fs("/snap/core", 100), [{"op": "replace", "path": "/read_only", "value": true}])
	found := inodes.details with input as {"filesystems": [image, fs("/", 10)]} with data.config as defaults
	found == []
}

test_ignored_mounts_are_left_out if {
	found := inodes.details with input as {"filesystems": [fs("/mnt/a/mail", 99), fs("/var", 99)]}
		with data.config as object.union(defaults, {"inode_ignore_mounts": ["/mnt/**"]})
	[f.resource | some f in found] == ["/var"]
}

test_a_volume_mounted_twice_is_one_finding if {
	bind := json.patch(fs("/etc/hosts", 96), [{"op": "replace", "path": "/device", "value": "/dev/"}])
	found := inodes.details with input as {"filesystems": [bind, fs("/", 96)]} with data.config as defaults
	count(found) == 1
	found[0].resource == "/"
	found[0].also_mounted_at == ["/etc/hosts"]
}

test_missing_section_has_no_answer if {
	not inodes.details with input as {"os": {}} with data.config as defaults
	inodes.applies with input as {"os": {}} with data.config as defaults
}

test_empty_or_malformed_section_has_no_answer if {
	not inodes.details with input as {"filesystems": []} with data.config as defaults
	not inodes.details with input as {"filesystems": null} with data.config as defaults
	not inodes.details with input as {"filesystems": [{"mount": "/"}]} with data.config as defaults
	not inodes.details with input as {"filesystems": [null]} with data.config as defaults
}

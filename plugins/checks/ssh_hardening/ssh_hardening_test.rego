package ssh_hardening_test

import data.ssh_hardening

defaults := {
	"ssh_accepted_root_login": ["no", "prohibit-password", "without-password", "forced-commands-only"],
	"ssh_allow_passwords": false,
	"ssh_allow_x11_forwarding": false,
	"ssh_max_auth_tries": 6,
	"ssh_max_login_grace_seconds": 120,
	"ssh_weak_algorithms": ["3des-cbc", "hmac-md5"],
}

# A server that passes, with some settings changed.
server(settings) := {"sshd": {
	"installed": true,
	"running": true,
	"files": ["/etc/ssh/sshd_config"],
	"settings": object.union({"passwordauthentication": "no", "kbdinteractiveauthentication": "no"}, settings),
	"match_blocks": [],
}}

with_blocks(settings, blocks) := object.union(server(settings), {"sshd": {"match_blocks": blocks}})

resources(found) := [f.resource | some f in found]

test_a_hardened_server_is_clean if {
	found := ssh_hardening.details with input as server({"permitrootlogin": "no"}) with data.config as defaults
	found == []
}

test_unset_keywords_have_openssh_defaults if {
	bare := {"sshd": {"installed": true, "running": true, "files": [], "settings": {}, "match_blocks": []}}
	found := ssh_hardening.details with input as bare with data.config as defaults
	resources(found) == ["PasswordAuthentication"]
	found[0].value == "yes"
	found[0].accepted == ["no"]
	found[0].source == "default"
	found[0].severity == "medium"
	startswith(found[0].message, "PasswordAuthentication is yes (OpenSSH's default): ")
}

test_worst_comes_first if {
	found := ssh_hardening.details with input as server({
		"x11forwarding": "yes",
		"permitemptypasswords": "yes",
		"hostbasedauthentication": "yes",
		"strictmodes": "no",
	})
		with data.config as defaults
	[[f.resource, f.severity] | some f in found] == [
		["PermitEmptyPasswords", "critical"],
		["HostbasedAuthentication", "high"],
		["StrictModes", "medium"],
		["X11Forwarding", "low"],
	]
	found[0].source == "files"
}

test_values_are_compared_without_case if {
	found := ssh_hardening.details with input as server({"x11forwarding": "Yes", "permitrootlogin": "NO"})
		with data.config as defaults
	resources(found) == ["X11Forwarding"]
}

test_root_with_a_password_is_high if {
	found := ssh_hardening.details with input as server({"permitrootlogin": "yes", "passwordauthentication": "yes"})
		with data.config as defaults
	[[f.resource, f.severity] | some f in found] == [["PermitRootLogin", "high"], ["PasswordAuthentication", "medium"]]
}

test_root_with_keys_alone_is_low if {
	found := ssh_hardening.details with input as server({"permitrootlogin": "yes"}) with data.config as defaults
	[[f.resource, f.severity] | some f in found] == [["PermitRootLogin", "low"]]
}

test_root_can_be_forbidden_altogether if {
	found := ssh_hardening.details with input as server({})
		with data.config as object.union(defaults, {"ssh_accepted_root_login": ["no"]})
	resources(found) == ["PermitRootLogin"]
	found[0].value == "prohibit-password"
	found[0].source == "default"
}

test_pam_behind_keyboard_interactive_is_found if {
	found := ssh_hardening.details with input as server({"kbdinteractiveauthentication": "yes", "usepam": "yes"})
		with data.config as defaults
	resources(found) == ["KbdInteractiveAuthentication"]
}

test_keyboard_interactive_without_pam_is_clean if {
	found := ssh_hardening.details with input as server({"kbdinteractiveauthentication": "yes", "usepam": "no"})
		with data.config as defaults
	found == []
}

test_the_older_keyword_counts if {
	older := {"sshd": {"installed": true, "settings": {
		"passwordauthentication": "no",
		"challengeresponseauthentication": "no",
		"usepam": "yes",
	}}}
	found := ssh_hardening.details with input as older with data.config as defaults
	found == []
}

test_a_password_besides_a_key_is_clean if {
	found := ssh_hardening.details with input as server({
		"passwordauthentication": "yes",
		"authenticationmethods": "publickey,password publickey,keyboard-interactive",
	})
		with data.config as defaults
	found == []
}

test_one_set_of_methods_without_a_key_is_enough if {
	found := ssh_hardening.details with input as server({
		"passwordauthentication": "yes",
		"authenticationmethods": ["publickey", "password"],
	})
		with data.config as defaults
	resources(found) == ["PasswordAuthentication"]
}

test_passwords_and_x11_can_be_accepted if {
	found := ssh_hardening.details with input as server({"passwordauthentication": "yes", "x11forwarding": "yes"})
		with data.config as object.union(defaults, {"ssh_allow_passwords": true, "ssh_allow_x11_forwarding": true})
	found == []
}

test_the_limits_themselves_are_clean if {
	found := ssh_hardening.details with input as server({"maxauthtries": "6", "logingracetime": "2m"})
		with data.config as defaults
	found == []
}

test_over_the_limits_is_found if {
	found := ssh_hardening.details with input as server({"maxauthtries": "7", "logingracetime": "1m61s"})
		with data.config as defaults
	[[f.resource, f.value, f.accepted, f.severity] | some f in found] == [
		["LoginGraceTime", "1m61s", 120, "low"],
		["MaxAuthTries", "7", 6, "low"],
	]
}

test_no_grace_time_limit_is_found if {
	found := ssh_hardening.details with input as server({"logingracetime": "0"}) with data.config as defaults
	resources(found) == ["LoginGraceTime"]
}

test_an_unreadable_number_is_left_to_sshd if {
	found := ssh_hardening.details with input as server({"maxauthtries": "many", "logingracetime": "x"})
		with data.config as defaults
	found == []
}

test_weak_algorithms_are_found if {
	found := ssh_hardening.details with input as server({
		"ciphers": "aes256-gcm@openssh.com,3des-cbc",
		"macs": "+hmac-md5",
		"kexalgorithms": "curve25519-sha256",
	})
		with data.config as defaults
	[[f.resource, f.value] | some f in found] == [["Ciphers", "3des-cbc"], ["MACs", "hmac-md5"]]
}

test_removed_algorithms_are_clean if {
	found := ssh_hardening.details with input as server({"ciphers": "-3des-cbc"}) with data.config as defaults
	found == []
}

test_a_weaker_match_block_is_found if {
	block := {"criteria": "user backup", "settings": {"passwordauthentication": "yes", "x11forwarding": "no"}}
	found := ssh_hardening.details with input as with_blocks({}, [block]) with data.config as defaults
	resources(found) == ["PasswordAuthentication (Match user backup)"]
}

test_a_match_block_as_weak_as_the_server_is_one_finding if {
	block := {"criteria": "user backup", "settings": {"x11forwarding": "yes"}}
	found := ssh_hardening.details with input as with_blocks({"x11forwarding": "yes"}, [block]) with data.config as defaults
	resources(found) == ["X11Forwarding"]
}

test_a_match_block_that_gives_up_the_key_is_found if {
	block := {"criteria": "address 10.0.0.0/8", "settings": {"authenticationmethods": "any"}}
	given := with_blocks({"passwordauthentication": "yes", "authenticationmethods": "publickey,password"}, [block])
	found := ssh_hardening.details with input as given with data.config as defaults
	resources(found) == ["PasswordAuthentication (Match address 10.0.0.0/8)"]
	found[0].source == "files"
}

test_a_match_block_without_settings_is_said if {
	found := ssh_hardening.details with input as with_blocks({}, [{"criteria": "user backup"}, "user ada"]) with data.config as defaults
	[[f.resource, f.value, f.severity] | some f in found] == [["Match", 2, "info"]]
}

test_no_server_is_not_applicable if {
	applies := ssh_hardening.applies with input as {"sshd": {"installed": false, "settings": {}}}
		with data.config as defaults
	applies == false
}

test_an_installed_server_is_judged_even_when_it_does_not_run if {
	stopped := object.union(server({"x11forwarding": "yes"}), {"sshd": {"running": false}})
	found := ssh_hardening.details with input as stopped with data.config as defaults
	resources(found) == ["X11Forwarding"]
	ssh_hardening.applies with input as stopped with data.config as defaults
}

test_missing_section_has_no_answer if {
	not ssh_hardening.details with input as {"os": {}} with data.config as defaults
	ssh_hardening.applies with input as {"os": {}} with data.config as defaults
}

test_malformed_section_has_no_answer if {
	not ssh_hardening.details with input as {"sshd": null} with data.config as defaults
	not ssh_hardening.details with input as {"sshd": {"installed": true}} with data.config as defaults
	not ssh_hardening.details with input as {"sshd": {"installed": true, "settings": []}} with data.config as defaults
}

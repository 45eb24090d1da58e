package passwordless_users_test

import data.passwordless_users

defaults := {"passwordless_allowed": [], "passwordless_login_only": false}

user(name, uid, shell, login) := {
	"name": name,
	"uid": uid,
	"gid": uid,
	"home": concat("/", ["/home", name]),
	"shell": shell,
	"login": login,
}

users := [
	user("root", 0, "/bin/bash", true),
	user("daemon", 1, "/usr/sbin/nologin", false),
	user("ada", 1000, "/bin/bash", true),
	user("kiosk", 1001, "/bin/sh", true),
]

# Every account has a password but those named.
given(empty) := {"users": users, "passwords": [{"name": u.name, "status": status} |
	some u in users
	status := object.get({true: "empty", false: "set"}, u.name in empty, "set")
]}

test_set_passwords_are_clean if {
	found := passwordless_users.details with input as given([]) with data.config as defaults
	found == []
}

test_locked_is_not_empty if {
	found := passwordless_users.details with input as {"users": users, "passwords": [{"name": "daemon", "status": "locked"}]}
		with data.config as defaults
	found == []
}

test_an_account_with_a_shell_is_high if {
	found := passwordless_users.details with input as given(["ada"]) with data.config as defaults
	count(found) == 1
	found[0].resource == "ada"
	found[0].severity == "high"
	found[0].uid == 1000
	found[0].login == true
	found[0].message == "ada needs no password to log in (shell /bin/bash)"
}

test_uid_0_is_critical_and_the_worst_comes_first if {
	found := passwordless_users.details with input as given(["daemon", "ada", "root"]) with data.config as defaults
	[[f.resource, f.severity] | some f in found] == [["root", "critical"], ["ada", "high"], ["daemon", "low"]]
}

test_accounts_without_a_shell_can_be_left_out if {
	found := passwordless_users.details with input as given(["daemon", "ada"])
		with data.config as object.union(defaults, {"passwordless_login_only": true})
	[f.resource | some f in found] == ["ada"]
}

test_allowed_accounts_are_left_out if {
	found := passwordless_users.details with input as given(["kiosk", "ada"])
		with data.config as object.union(defaults, {"passwordless_allowed": ["kiosk"]})
	[f.resource | some f in found] == ["ada"]
}

test_a_password_without_an_account_is_low if {
	stale := {"users": users, "passwords": [{"name": "gone", "status": "empty"}]}
	found := passwordless_users.details with input as stale with data.config as defaults
	found[0].resource == "gone"
	found[0].severity == "low"
	found[0].uid == null
}

test_an_account_whose_shell_is_not_known_counts_as_one_that_can_log_in if {
	sparse := {"users": [{"name": "ada"}], "passwords": [{"name": "ada", "status": "empty"}]}
	found := passwordless_users.details with input as sparse
		with data.config as object.union(defaults, {"passwordless_login_only": true})
	found[0].severity == "high"
	found[0].message == "ada needs no password to log in (shell not known)"
}

test_missing_passwords_have_no_answer if {
	not passwordless_users.details with input as {"users": users} with data.config as defaults
	passwordless_users.applies with input as {"users": users} with data.config as defaults
}

test_missing_users_have_no_answer if {
	not passwordless_users.details with input as {"passwords": [{"name": "ada", "status": "set"}]}
		with data.config as defaults
	not passwordless_users.details with input as {} with data.config as defaults
}

test_empty_or_malformed_sections_have_no_answer if {
	not passwordless_users.details with input as {"users": users, "passwords": []} with data.config as defaults
	not passwordless_users.details with input as {"users": users, "passwords": null} with data.config as defaults
	not passwordless_users.details with input as {"users": users, "passwords": [{"name": "ada"}]}
		with data.config as defaults
	not passwordless_users.details with input as {"users": [], "passwords": [{"name": "ada", "status": "set"}]}
		with data.config as defaults
	not passwordless_users.details with input as {"users": users, "passwords": [{"name": "ada", "status": "?"}]}
		with data.config as defaults
}

# Finds accounts that need no password. A locked password (`!`, `*`) is not an empty one.
#
# An account without a login shell is of severity low: it cannot open a shell, but `su -s`, FTP or
# mail may still let it in.
package passwordless_users

# Every machine has accounts. Password states that this user may not read are a gap, not "not applicable".
applies := true

# Worst first.
details := [row[2] | some row in sort([[rank[f.severity], f.resource, f] | some f in findings])] if {
	users
	passwords
}

rank := {"critical": 0, "high": 1, "low": 2}

# Undefined for data of another shape, and `details` with it: unread passwords must not look like good ones.
passwords := input.passwords if {
	is_array(input.passwords)
	count(input.passwords) > 0
	every password in input.passwords {
		is_string(password.name)
		password.status in {"set", "empty", "locked"}
	}
}

users := {user.name: user | some user in input.users} if {
	is_array(input.users)
	count(input.users) > 0
	every user in input.users {
		is_string(user.name)
	}
}

nobody := {"uid": null, "shell": null, "login": false}

findings := [finding |
	some name in {password.name | some password in passwords; password.status == "empty"}
	not name in data.config.passwordless_allowed
	user := object.get(users, name, nobody)
	login := object.get(user, "login", true)
	judged(login)
	finding := {
		"resource": name,
		"message": message(name, user),
		"user": name,
		"uid": object.get(user, "uid", null),
		"shell": object.get(user, "shell", null),
		"login": login,
		"status": "empty",
		"severity": severity(user),
	}
]

judged(login) if login

judged(_) if not data.config.passwordless_login_only

severity(user) := "critical" if {
	object.get(user, "uid", null) == 0
} else := "high" if {
	object.get(user, "login", true)
} else := "low"

message(name, user) := sprintf("%s has administrator rights (uid 0) and needs no password", [name]) if {
	object.get(user, "uid", null) == 0
} else := sprintf("%s needs no password to log in (shell %v)", [name, shell(user)]) if {
	object.get(user, "login", true)
} else := sprintf("%s has an empty password, but no login shell", [name])

shell(user) := user.shell if {
	is_string(user.shell)
} else := "not known"

# Finds settings of the SSH server that make break-ins easier.
#
# A keyword that no file sets has OpenSSH's default and is judged by it. A Match block is judged by what it
# sets itself, over the rest; one that weakens nothing gives no finding.
package ssh_hardening

default applies := true

# No SSH server on this machine.
applies := false if input.sshd.installed == false

# Worst first.
details := [row[2] | some row in sort([[rank[f.severity], f.resource, f] | some f in findings])] if settings

rank := {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}

# Undefined for data of another shape, and `details` with it.
settings := input.sshd.settings if {
	input.sshd.installed == true
	is_object(input.sshd.settings)
}

# What sshd does where no file says anything (sshd_config(5)).
openssh_defaults := {
	"authenticationmethods": "any",
	"hostbasedauthentication": "no",
	"ignorerhosts": "yes",
	"kbdinteractiveauthentication": "yes",
	"logingracetime": "120",
	"maxauthtries": "6",
	"passwordauthentication": "yes",
	"permitemptypasswords": "no",
	"permitrootlogin": "prohibit-password",
	"permituserenvironment": "no",
	"strictmodes": "yes",
	"usepam": "no",
	"x11forwarding": "no",
}

# Older names of the same keywords.
renamed := {
	"challengeresponseauthentication": "kbdinteractiveauthentication",
	"skeyauthentication": "kbdinteractiveauthentication",
	"hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
	"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}

# Keywords in today's names with lower-case text as values. A current name wins over an older one.
normal(given) := object.union(
	{renamed[keyword]: text(value) | some keyword, value in given; not older_twin(given, keyword)},
	{keyword: text(value) | some keyword, value in given; not renamed[keyword]},
)

# `skeyauthentication` beside `challengeresponseauthentication` would give one keyword two values.
older_twin(given, "skeyauthentication") if object.get(given, "challengeresponseauthentication", null) != null

# A repeated keyword arrives as a list; the words of one line as one text.
text(value) := lower(concat(" ", [sprintf("%v", [word]) | some word in value])) if {
	is_array(value)
} else := lower(sprintf("%v", [value]))

written := normal(settings)

effective := object.union(openssh_defaults, written)

findings := array.concat(server_findings, array.concat(block_findings, unread_findings))

server_problems := problems(effective)

server_findings := [finding("", problem, written) | some problem in server_problems]

blocks := [block |
	is_array(input.sshd.match_blocks)
	some block in input.sshd.match_blocks
]

# Problems of a block that the server does not have anyway.
block_findings := [finding(sprintf(" (Match %v)", [criteria]), problem, object.union(written, own)) |
	some block in blocks
	judged(block)
	criteria := object.get(block, "criteria", "?")
	own := normal(block.settings)
	some problem in problems(object.union(effective, own))
	not problem in server_problems
]

judged(block) if is_object(block.settings)

# A block whose settings are not in the data was not looked at, and that is said.
unread_findings := [finding |
	unread := [block | some block in blocks; not judged(block)]
	count(unread) > 0
	finding := {
		"resource": "Match",
		"message": sprintf("%v Match block(s) could not be judged", [count(unread)]),
		"keyword": "Match",
		"value": count(unread),
		"accepted": null,
		"source": "files",
		"severity": "info",
	}
]

finding(where, problem, own) := {
	"resource": concat("", [problem.keyword, where]),
	"message": sprintf("%s is %s%s%s: %s", [
		problem.keyword,
		problem.value,
		note(problem.key, own),
		where,
		problem.why,
	]),
	"keyword": problem.keyword,
	"value": problem.value,
	"accepted": problem.accepted,
	"source": source(problem.key, own),
	"severity": problem.severity,
}

source(key, own) := "files" if {
	key in object.keys(own)
} else := "default"

note(key, own) := " (OpenSSH's default)" if {
	source(key, own) == "default"
} else := ""

problems(s) := array.concat(
	array.concat(choice_problems(s), number_problems(s)),
	algorithm_problems(s),
)

# --- keywords with a few accepted values ---

choice_problems(s) := [problem |
	some choice in choices(s)
	value := s[choice.key]
	not value in choice.accepted
	problem := object.union(choice, {"value": value})
]

choices(s) := [
	{
		"keyword": "PermitEmptyPasswords",
		"key": "permitemptypasswords",
		"accepted": ["no"],
		"severity": "critical",
		"why": "accounts without a password are open to the network",
	},
	{
		"keyword": "PermitRootLogin",
		"key": "permitrootlogin",
		"accepted": data.config.ssh_accepted_root_login,
		"severity": root_severity(s),
		"why": "root can log in directly",
	},
	{
		"keyword": "PasswordAuthentication",
		"key": "passwordauthentication",
		"accepted": password_values(s),
		"severity": "medium",
		"why": "passwords can be guessed over the network; use keys",
	},
	{
		"keyword": "KbdInteractiveAuthentication",
		"key": "kbdinteractiveauthentication",
		"accepted": interactive_values(s),
		"severity": "medium",
		"why": "PAM asks for passwords this way although PasswordAuthentication is off",
	},
	{
		"keyword": "HostbasedAuthentication",
		"key": "hostbasedauthentication",
		"accepted": ["no"],
		"severity": "high",
		"why": "whoever takes over a trusted machine may log in here",
	},
	{
		"keyword": "IgnoreRhosts",
		"key": "ignorerhosts",
		"accepted": ["yes", "shosts-only"],
		"severity": "medium",
		"why": "users decide by ~/.rhosts which machines are trusted",
	},
	{
		"keyword": "PermitUserEnvironment",
		"key": "permituserenvironment",
		"accepted": ["no"],
		"severity": "medium",
		"why": "users can get around restrictions by setting variables such as LD_PRELOAD",
	},
	{
		"keyword": "StrictModes",
		"key": "strictmodes",
		"accepted": ["yes"],
		"severity": "medium",
		"why": "keys in files that others can write are accepted",
	},
	{
		"keyword": "X11Forwarding",
		"key": "x11forwarding",
		"accepted": x11_values,
		"severity": "low",
		"why": "a hostile server account can reach the display of whoever logs in",
	},
]

x11_values := ["no", "yes"] if {
	data.config.ssh_allow_x11_forwarding
} else := ["no"]

password_values(s) := ["no"] if {
	not data.config.ssh_allow_passwords
	interactive_suffices(s)
} else := ["no", "yes"]

# Without PAM there is nothing behind keyboard-interactive, and where passwords are on that is finding enough.
interactive_values(s) := ["no"] if {
	not data.config.ssh_allow_passwords
	interactive_suffices(s)
	s.usepam == "yes"
	s.passwordauthentication == "no"
} else := ["no", "yes"]

# AuthenticationMethods can demand a key besides the password; each of its words is one sufficient set.
interactive_suffices(s) if s.authenticationmethods == "any"

interactive_suffices(s) if {
	some methods in split(s.authenticationmethods, " ")
	not demands_key(methods)
}

demands_key(methods) if {
	some method in split(methods, ",")
	some strong in ["publickey", "hostbased", "gssapi-with-mic"]
	startswith(method, strong)
}

# With keys alone, "yes" is no weaker than "prohibit-password".
root_severity(s) := "low" if {
	s.permitrootlogin == "yes"
	not password_login(s)
} else := "high"

password_login(s) if {
	interactive_suffices(s)
	s.passwordauthentication == "yes"
}

password_login(s) if {
	interactive_suffices(s)
	s.kbdinteractiveauthentication == "yes"
	s.usepam == "yes"
}

# --- keywords with a highest accepted value ---

number_problems(s) := [problem |
	some limit in [
		{
			"keyword": "MaxAuthTries",
			"key": "maxauthtries",
			"number": number(s.maxauthtries),
			"accepted": data.config.ssh_max_auth_tries,
			"why": "many passwords can be tried in one connection",
		},
		{
			"keyword": "LoginGraceTime",
			"key": "logingracetime",
			"number": seconds(s.logingracetime),
			"accepted": data.config.ssh_max_login_grace_seconds,
			"why": "connections that do not log in take up the server's slots for long",
		},
	]
	exceeds(limit)
	problem := {
		"keyword": limit.keyword,
		"key": limit.key,
		"value": s[limit.key],
		"accepted": limit.accepted,
		"severity": "low",
		"why": limit.why,
	}
]

exceeds(limit) if limit.number > limit.accepted

# LoginGraceTime 0 is no limit at all.
exceeds(limit) if {
	limit.key == "logingracetime"
	limit.number == 0
}

number(value) := to_number(value) if {
	regex.match(`^[0-9]{1,9}$`, value)
} else := -1

unit := {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

# sshd's time format: `90`, `2m`, `1h30m`.
seconds(value) := sum([n |
	some part in regex.find_all_string_submatch_n(`([0-9]+)([smhdw]?)`, value, -1)
	n := to_number(part[1]) * unit[part[2]]
]) if {
	regex.match(`^([0-9]{1,9}[smhdw]?)+$`, value)
} else := -1

# --- lists of algorithms ---

algorithm_lists := {
	"ciphers": "Ciphers",
	"macs": "MACs",
	"kexalgorithms": "KexAlgorithms",
	"hostkeyalgorithms": "HostKeyAlgorithms",
	"pubkeyacceptedalgorithms": "PubkeyAcceptedAlgorithms",
	"hostbasedacceptedalgorithms": "HostbasedAcceptedAlgorithms",
	"casignaturealgorithms": "CASignatureAlgorithms",
}

# A list that starts with `-` takes algorithms away.
algorithm_problems(s) := [problem |
	some key, keyword in algorithm_lists
	value := s[key]
	not startswith(value, "-")
	weak := [name |
		some name in split(trim_left(value, "+^"), ",")
		trim_space(name) in data.config.ssh_weak_algorithms
	]
	count(weak) > 0
	problem := {
		"keyword": keyword,
		"key": key,
		"value": concat(",", weak),
		"accepted": null,
		"severity": "medium",
		"why": "weak algorithms are offered",
	}
]

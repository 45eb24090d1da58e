//! From clap's structs to requests.

use super::grammar::{Check, Command, Config, Looking, Places, Plugins, Running, ScreenFlags, Values};
use super::kept::Runs;
use super::plugin;
use crate::cli::request::{
    CheckEval, CheckTest, ConfigQuery, ConfigWhat, Delivering, Exporting, Packages, PackagesChange,
    PluginsQuery, PluginsWhat, Request, RunFlags, RunsQuery, RunsWhat, Shown,
};
use crate::config::Assignment;
use crate::error::Failure;
use crate::managed::Options;
use crate::store::Wish;
use crate::ui::screen::Screen;

pub(super) fn request(command: Command) -> Result<Request, Failure> {
    Ok(match command {
        Command::Run {
            pipeline,
            running,
            keeping,
            earlier,
            values,
            places,
            screen,
        } => {
            let flags = RunFlags {
                pipeline: pipeline.unwrap_or_default(),
                no_keep: keeping.no_keep,
                resume: earlier.resume,
                replay: earlier.replay,
                force: earlier.force,
                screen: screen.into(),
                ..RunFlags::default()
            };
            Request::Run(values.add(places.add(running.add(flags)))?)
        }
        Command::Demo {
            running,
            keeping,
            screen,
        } => Request::Demo(running.add(RunFlags {
            no_keep: keeping.no_keep,
            screen: screen.into(),
            ..RunFlags::default()
        })),
        Command::Plan {
            pipeline,
            values,
            places,
            screen,
            form,
        } => {
            let flags = RunFlags {
                pipeline: pipeline.pipeline,
                screen: screen.into(),
                ..RunFlags::default()
            };
            Request::Plan(Shown {
                query: values.add(places.add(flags))?,
                json: form.json,
            })
        }
        Command::Deliver {
            run,
            to,
            again,
            running,
            values,
            places,
            screen,
        } => {
            let flags = RunFlags {
                screen: screen.into(),
                ..RunFlags::default()
            };
            Request::Deliver(Delivering {
                flags: values.add(places.add(running.add(flags)))?,
                run,
                to,
                again,
            })
        }
        Command::Runs(command) => runs(command)?,
        Command::Plugins(command) => plugins(command),
        Command::Plugin(command) => plugin::request(command)?,
        Command::Config(command) => config(command)?,
        Command::Check(command) => check(command)?,
        Command::Completions { shell } => Request::Completions(shell),
        Command::Version { form } => Request::Version { json: form.json },
    })
}

fn runs(command: Runs) -> Result<Request, Failure> {
    let (what, screen, form) = match command {
        Runs::List { screen, form } => (RunsWhat::List, screen, form),
        Runs::Show { run, screen, form } => (RunsWhat::Show(run), screen, form),
        Runs::Export {
            run,
            folder,
            redact,
            accept_unknown,
            force,
            values,
            rest,
        } => {
            let (flags, json) = rest.split();
            let query = Exporting {
                flags: values.add(flags)?,
                run,
                folder,
                redact,
                accept_unknown,
                force,
            };
            return Ok(Request::Export(Shown { query, json }));
        }
        Runs::Prune {
            runs,
            older_than,
            keep_last,
            dry_run,
            screen,
            form,
        } => {
            let wish = Wish {
                ids: runs,
                older_than,
                keep_last,
                dry_run,
            };
            (RunsWhat::Prune(wish), screen, form)
        }
    };
    Ok(Request::Runs(Shown {
        query: RunsQuery {
            screen: screen.into(),
            what,
        },
        json: form.json,
    }))
}

fn plugins(command: Plugins) -> Request {
    let (what, rest) = match command {
        Plugins::List { kind, rest } => (kind.map_or(PluginsWhat::List, PluginsWhat::OfType), rest),
        Plugins::Show { name, rest } => (PluginsWhat::Show(name), rest),
        Plugins::Doctor { rest } => (PluginsWhat::Doctor, rest),
        Plugins::Add {
            what,
            locked,
            any_python,
            python,
            screen,
            form,
        } => {
            let options = Options { any_python, python };
            let change = match locked {
                Some(path) => PackagesChange::Locked(path, options),
                None => PackagesChange::Add(what, options),
            };
            return packages(change, screen, form.json);
        }
        Plugins::Remove { name, screen, form } => {
            return packages(PackagesChange::Remove(name), screen, form.json);
        }
    };
    let (flags, json) = rest.split();
    Request::Plugins(Shown {
        query: PluginsQuery { flags, what },
        json,
    })
}

fn packages(change: PackagesChange, screen: ScreenFlags, json: bool) -> Request {
    let query = Packages {
        change,
        screen: screen.into(),
    };
    Request::Packages(Shown { query, json })
}

fn config(command: Config) -> Result<Request, Failure> {
    let none = || Values {
        set: Vec::new(),
        config: None,
    };
    let (what, pipeline, values, rest) = match command {
        Config::Show {
            pipeline,
            values,
            rest,
        } => (ConfigWhat::Show, pipeline.pipeline, values, rest),
        Config::Explain {
            field,
            pipeline,
            values,
            rest,
        } => (
            ConfigWhat::Explain(field),
            pipeline.unwrap_or_default(),
            values,
            rest,
        ),
        Config::Schema { plugin, rest } => (ConfigWhat::Schema(plugin), String::new(), none(), rest),
    };
    let (flags, json) = rest.split();
    let flags = values.add(RunFlags { pipeline, ..flags })?;
    Ok(Request::Config(Shown {
        query: ConfigQuery { flags, what },
        json,
    }))
}

fn check(command: Check) -> Result<Request, Failure> {
    Ok(match command {
        Check::Eval {
            check,
            input,
            values,
            rest,
        } => {
            let (flags, json) = rest.split();
            Request::CheckEval(Shown {
                query: CheckEval {
                    flags: values.add(flags)?,
                    check,
                    input,
                },
                json,
            })
        }
        Check::Test {
            path,
            rego_version,
            data,
            update,
            coverage,
            junit,
            screen,
            form,
        } => Request::CheckTest(Shown {
            query: CheckTest {
                screen: screen.into(),
                path,
                rego_version,
                data,
                update,
                coverage,
                junit,
            },
            json: form.json,
        }),
    })
}

impl Looking {
    fn split(self) -> (RunFlags, bool) {
        let flags = RunFlags {
            screen: self.screen.into(),
            ..RunFlags::default()
        };
        (self.places.add(flags), self.form.json)
    }
}

impl Places {
    pub(super) fn add(self, flags: RunFlags) -> RunFlags {
        RunFlags {
            plugin_dirs: self.plugin_dir,
            python: self.python,
            ..flags
        }
    }
}

impl Running {
    fn add(self, flags: RunFlags) -> RunFlags {
        RunFlags {
            jobs: self.jobs,
            timeout: self.timeout,
            max_line: self.max_line,
            max_memory: self.max_memory,
            max_cpu: self.max_cpu,
            restarts: self.restarts,
            fail_fast: self.fail_fast,
            no_legacy_env: self.no_legacy_env,
            no_zygote: self.no_zygote,
            trace: self.trace,
            trace_line: self.trace_line,
            record: self.output,
            record_to_stdout: self.format.is_some(),
            ..flags
        }
    }
}

impl Values {
    pub(super) fn add(self, flags: RunFlags) -> Result<RunFlags, Failure> {
        let (mut assignments, mut faults) = (Vec::new(), Vec::new());
        for text in &self.set {
            match Assignment::parse(text) {
                Ok(assignment) => assignments.push(assignment),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Failure {
                kind: crate::error::Kind::Usage,
                faults,
            });
        }
        Ok(RunFlags {
            assignments,
            config: self.config,
            ..flags
        })
    }
}

impl From<ScreenFlags> for Screen {
    fn from(flags: ScreenFlags) -> Self {
        let ScreenFlags {
            quiet,
            verbose,
            color,
            progress,
            log_format,
        } = flags;
        Self {
            quiet,
            verbose,
            color,
            progress,
            log_format,
            log_file: None,
        }
    }
}

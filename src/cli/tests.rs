//! What people see when they ask for help: snapshots of every word of it.

use super::*;

/// Every command with its full name, the program itself first.
fn commands() -> Vec<(String, clap::Command)> {
    fn below(command: &clap::Command, name: &str, found: &mut Vec<(String, clap::Command)>) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let name = format!("{name} {}", sub.get_name());
            found.push((name.clone(), sub.clone()));
            below(sub, &name, found);
        }
    }
    let mut root = Arguments::command();
    root.build();
    let mut found = vec![("wardwire".to_owned(), root.clone())];
    below(&root, "wardwire", &mut found);
    found
}

#[test]
fn help_reads_like_this() {
    Arguments::command().debug_assert();
    for (name, command) in commands() {
        let asked = command
            .term_width(100)
            .try_get_matches_from([name.as_str(), "--help"]);
        let help = asked.unwrap_err().to_string();
        insta::assert_snapshot!(format!("help {name}").replace(' ', "_"), help);
    }
}

#[test]
fn the_grouped_list_of_commands_names_every_command() {
    let listed = |name: &str| {
        HELP.lines()
            .any(|line| line.trim_start().split(' ').next() == Some(name))
    };
    for command in Arguments::command().get_subcommands() {
        assert!(
            listed(command.get_name()),
            "{} is not listed",
            command.get_name()
        );
    }
}

#[test]
fn every_command_shows_examples() {
    for (name, command) in commands() {
        let groups = command.get_subcommands().next().is_some();
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(groups || after.contains("Example"), "{name}");
    }
}

#[test]
fn a_wrong_command_line_is_64_and_help_is_0() {
    let run = |line: &str| run(line.split(' ').map(OsString::from));
    assert_eq!(run("wardwire sned"), Exit::Usage);
    assert_eq!(run("wardwire send"), Exit::Usage);
    assert_eq!(run("wardwire listen --drop 2"), Exit::Usage);
    assert_eq!(run("wardwire show --help"), Exit::Ok);
    assert_eq!(run("wardwire --version"), Exit::Ok);
}

#[test]
fn exit_codes_are_those_of_the_readme() {
    let codes = [
        Exit::Ok,
        Exit::Failed,
        Exit::Findings,
        Exit::Usage,
        Exit::Unavailable,
        Exit::Config,
    ];
    assert_eq!(codes.map(Exit::code), [0, 1, 2, 64, 69, 78]);
}

//! Commands that a build was made without: they take any arguments and name the feature that they come with.

/// The items of a command's module in a build without it. Without a name of its own, the command is called as its feature.
macro_rules! absent {
    ($feature:tt) => {
        absent!($feature, $feature);
    };
    ($command:tt, $feature:tt) => {
        /// Not in this build: build nda-cli with the feature of this name.
        #[derive(clap::Args)]
        pub struct Arguments {
            #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
            rest: Vec<std::ffi::OsString>,
        }

        /// Says what is missing.
        pub fn run(arguments: &Arguments) -> crate::failure::Outcome {
            let words = arguments.rest.iter().map(|word| format!(" {}", word.to_string_lossy())).collect::<String>();
            let (error, at) = (format!("command '{}'", $command), format!("nda {}{words}", $command));
            Err(crate::failure::Failure::not_built(error, at, $feature).into())
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::failure::{Exit, Stop};
    use clap::Parser;

    mod serve {
        absent!("serve");
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: serve::Arguments,
    }

    #[test]
    fn a_command_of_another_build_takes_any_arguments_and_names_its_feature() {
        for words in [&["nda"][..], &["nda", "model.ndf", "--port", "-1"], &["nda", "--queue"]] {
            let line = Line::try_parse_from(words).unwrap();
            let Err(Stop::Failure(failure)) = serve::run(&line.arguments) else { panic!("{words:?}") };
            assert_eq!(failure.exit, Exit::Unavailable);
            assert!(failure.help.contains("'serve'"), "{failure:?}");
        }
    }
}

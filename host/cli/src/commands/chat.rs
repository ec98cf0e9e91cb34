//! `nda chat`: a conversation in the terminal, or one line a turn from a pipe.

use crate::commands::run::SamplingArguments;
use crate::failure::{Failure, Outcome, Stop};
use crate::lines::{Input, Lines};
use crate::output::Progress;
use crate::speak::loaded;
use crate::{backend, files, output};
use nda_chat::{ChatError, Conversation, Dialect, Event, Finish, Interrupts, Manner, Speaker};
use nda_engine::Session;
use std::io::{IsTerminal, stdin};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// What a shell calls the end by Ctrl-C: 128 and the signal's number.
const INTERRUPTED: i32 = 130;
const COMMANDS: &str = "\
/help   this list
/reset  forgets what was said
/exit   ends, as Ctrl-D does
//...   says a line that begins with a slash
Ctrl-C ends an answer; where nothing is being said, it ends the program.";

/// Talks with a model that was trained for conversations.
///
/// A line is a turn, and answers stream to standard output. Ctrl-C ends an answer and not the program; Ctrl-D ends the
/// program. '/help' lists more.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document with a chat template.
    model: PathBuf,
    /// What the model is told before the first turn.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Who multiplies; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Tokens of an answer; as many as the context has room for unless given.
    #[arg(long)]
    max_tokens: Option<usize>,
    #[command(flatten)]
    sampling: SamplingArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let name = backend::parse(&arguments.backend)?;
    let manner = Manner { sampling: arguments.sampling.sampling()?, max_tokens: arguments.max_tokens, stops: Vec::new() };
    if arguments.max_tokens == Some(0) {
        return Err(Failure::usage("0 tokens are no answer", "--max-tokens", "use 1 or more").into());
    }
    let mapped = files::open_document(&arguments.model)?;
    let document = mapped.document();
    let weights = files::weights(&arguments.model, &document)?;
    let dialect = Dialect::new(document.metadata(), &weights).map_err(|e| files::in_file(&arguments.model, e.into()))?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let model = loaded(&weights, &mut backend, &arguments.model)?;
    let mut session = Session::new(&model, backend.gemv());
    session.on_print(|line| output::note(format_args!("the program prints: {line}")));
    let talk = Conversation::new(Speaker::new(session), dialect, arguments.system.clone());
    // A second Ctrl-C before an answer has heard the first: a slow board is in the midst of a token.
    let interrupts = Interrupts::listen(|| std::process::exit(INTERRUPTED))?;
    let manners = if stdin().is_terminal() { Manners::Person } else { Manners::Pipe };
    Chat { talk, manner, interrupts, lines: Lines::read_stdin()?, manners }.run()
}

/// Who is on the other end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Somebody who sees prompts and may try again.
    Person,
    /// A program: answers alone, and the first failure ends it.
    Pipe,
}

struct Chat<'a, 'm, 'w> {
    talk: Conversation<'a, 'm, 'w>,
    manner: Manner,
    interrupts: Interrupts,
    lines: Lines,
    manners: Manners,
}

impl Chat<'_, '_, '_> {
    fn run(&mut self) -> Outcome {
        if self.manners == Manners::Person {
            output::remark("say something; '/help' lists the commands");
        }
        loop {
            if self.manners == Manners::Person {
                output::write("> ")?;
            }
            let line = match self.lines.next(&self.interrupts)? {
                Input::Line(line) => line,
                // The prompt's line is still open.
                Input::End if self.manners == Manners::Person => return output::line(""),
                Input::End => return Ok(()),
            };
            match line.trim() {
                "" => {}
                "/exit" => return Ok(()),
                "/help" => output::remark(COMMANDS),
                "/reset" => self.talk.reset(),
                text => match text.strip_prefix('/') {
                    None => self.turn(text)?,
                    Some(said) if said.starts_with('/') => self.turn(said)?,
                    Some(_) => output::note(format_args!("there is no command '{text}'; '/help' lists the commands")),
                },
            }
        }
    }

    /// Says something and streams the answer.
    fn turn(&mut self, text: &str) -> Outcome {
        let (interrupts, mut written) = (&self.interrupts, Ok(()));
        let mut bar = Some(Progress::new("reading"));
        let answer = self.talk.say(text, &self.manner, |event| {
            match event {
                Event::Prompt { done, total } => bar.iter_mut().for_each(|bar| bar.set(done, total)),
                Event::Text(piece) => {
                    bar = None;
                    written = output::write(piece);
                }
            }
            if written.is_err() || interrupts.take() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        drop(bar);
        written?;
        match answer {
            Ok(answer) => {
                output::line("")?;
                match answer.finish {
                    Finish::Stop => {}
                    Finish::Length => output::note(format_args!("the answer was cut after {} tokens", answer.drawn_tokens)),
                    Finish::Interrupted => output::note("interrupted"),
                }
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    /// A person may say it otherwise; what is wrong with the model or its back end stays wrong.
    fn failed(&self, error: ChatError) -> Outcome {
        let may_go_on = self.manners == Manners::Person && matches!(error, ChatError::TooLong { .. } | ChatError::Template { .. });
        if !may_go_on {
            return Err(Stop::from(error));
        }
        output::error(&error.into());
        output::remark("'/reset' begins a new conversation");
        Ok(())
    }
}

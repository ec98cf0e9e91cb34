//! `nda chat`: a conversation in the terminal, or one line per turn from a pipe.

use crate::commands::run::SamplingArguments;
use crate::editor::{History, LineEditor, TerminalMode};
use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::kv::SharedKvArgument;
use crate::lines::{Input, Lines, Reader};
use crate::output::Progress;
use crate::prompt::ContextArgument;
use crate::signals::{CtrlC, Signals};
use crate::speak::{Offload, loaded, session};
use crate::threads::ThreadsArgument;
use crate::{backend, files, output, token};
use nda_chat::{ChatError, Conversation, Dialect, Event, Finish, Manner, Speaker};
use nda_engine::CacheForm;
use std::io::{IsTerminal, stdin, stdout};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const COMMANDS: &str = "\
/help   this list
/reset  forgets what was said
/exit   ends, as Ctrl-D does
//...   says a line that begins with a slash
\"\"\"     begins a turn of several lines, and ends it; a pasted text of several lines is one turn
Up and Ctrl-R find earlier lines. Ctrl-C ends an answer; where nothing is being said, it ends the program.";

/// Talks with a model that was trained for conversations.
///
/// A line is a turn, and so is what stands between two """; answers stream to standard output. Ctrl-C ends an answer
/// and not the program; Ctrl-D ends the program. '/help' lists more. In a terminal, lines are edited, and remembered in
/// $XDG_STATE_HOME/nda/chat_history (~/.local/state unless set), which only this user can read.
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
    /// Neither read nor keep a history of what is typed.
    #[arg(long)]
    no_history: bool,
    /// Go on with a conversation that '--save' wrote, by the same model, program and '--kv'.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write the conversation when it ends, its keys and values included, so that nothing of it is computed again.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// What the back end does; without this, whole tokens where it has a token machine, and products alone elsewhere. In whole tokens a
    /// board makes answers by itself; what changes or asks for scores takes a token at a time.
    #[arg(long, value_enum)]
    offload: Option<Offload>,
    #[command(flatten)]
    context: ContextArgument,
    #[command(flatten)]
    kv: SharedKvArgument,
    #[command(flatten)]
    threads: ThreadsArgument,
    #[command(flatten)]
    sampling: SamplingArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.threads.grant()?;
    let name = backend::parse(&arguments.backend)?;
    let manner = Manner { max_tokens: arguments.max_tokens, ..Manner::new(arguments.sampling.sampling()?) };
    if arguments.max_tokens == Some(0) {
        return Err(Failure::usage("an answer must have at least 1 token", "--max-tokens", "use 1 or more").into());
    }
    let mapped = files::open_document(&arguments.model)?;
    let document = mapped.document();
    let weights = files::weights(&arguments.model, &document)?;
    let dialect = Dialect::new(document.metadata(), &weights).map_err(|e| files::in_file(&arguments.model, e.into()))?;
    let context = arguments.context.of(weights.hyper().context)?;
    let mut backend = backend::open_for_model(&name, &weights)?;
    let talk = |speaker| Conversation::new(speaker, dialect, arguments.system.clone());
    // A conversation that is kept in a file is one in floats.
    let kept = arguments.save.is_some() || arguments.resume.is_some();
    let offload = arguments.offload.or(kept.then_some(Offload::Gemv));
    if token::is_asked(offload, &weights, &mut backend, arguments.kv.kv.asked())? {
        if kept {
            let error = "whole tokens keep no conversation in a file";
            return Err(Failure::usage(error, "--offload", "leave --save and --resume out, or use --offload gemv").into());
        }
        let model = token::prepare(&weights, &mut backend, &arguments.model)?;
        let session = token::session(&model, &mut backend, &arguments.model)?;
        return hold(arguments, talk(Speaker::of_tokens(session, context)), manner, None);
    }
    let model = loaded(&weights, &mut backend, &arguments.model)?;
    let form = arguments.kv.kv.form(&weights);
    let mut session = session(&model, &mut backend, form);
    arguments.kv.apply(&mut session, form);
    session.limit_context(context);
    let mut talk = talk(Speaker::new(session));
    let saves = saves(arguments, form, document.metadata())?;
    if let Some(path) = &arguments.resume {
        talk.restore(&files::read(path)?).map_err(|e| files::in_file(path, e.into()))?;
    }
    hold(arguments, talk, manner, saves)
}

/// Holds the conversation until it ends, and saves it if that is asked for: where, and by which model's name.
fn hold(arguments: &Arguments, talk: Conversation<'_, '_, '_>, manner: Manner, saves: Option<(&Path, String)>) -> Outcome {
    let signals = Signals::listen(CtrlC::Answer, || ())?;
    let terminal = TerminalMode::of_stdin();
    let manners = Manners::of_stdin();
    let reader = match manners {
        Manners::Editor => Reader::Editor(editor(if arguments.no_history { History::Off } else { History::Kept })?),
        Manners::Person | Manners::Pipe => Reader::Plain,
    };
    let mut chat = Chat { talk, manner, signals, lines: Lines::of_stdin(reader)?, manners };
    let ended = chat.run();
    if manners == Manners::Editor && matches!(ended, Err(Stop::Signal(_))) {
        terminal.restore();
    }
    if let Some((path, name)) = &saves {
        // Whatever ended it: what was said is whole.
        let bytes = chat.talk.saved(name).unwrap_or_default();
        files::write(path, &[&arguments.model], &bytes)?;
        output::note(format_args!("saved {} messages in {}, {} bytes", chat.talk.messages().len(), path.display(), bytes.len()));
    }
    ended
}

/// Where the conversation is saved and by which model's name, judged before anything is said.
fn saves<'a>(arguments: &'a Arguments, form: CacheForm, metadata: &nda_ndf::Metadata) -> Outcome<Option<(&'a Path, String)>> {
    let Some(path) = arguments.save.as_deref() else { return Ok(None) };
    if !matches!(form, CacheForm::Frames(_)) {
        return Err(Failure::usage("a cache of floats is not saved", "--save", "use '--kv b4'").into());
    }
    files::judge(path, &[&arguments.model])?;
    let stem = arguments.model.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Some((path, metadata.get("name").map(str::to_owned).or(stem).unwrap_or_default())))
}

fn editor(history: History) -> Outcome<LineEditor> {
    let failed =
        |error| Failure::new(Exit::Failed, format_args!("cannot edit lines: {error}"), "the terminal", "give the turns through a pipe");
    Ok(LineEditor::new(history).map_err(failed)?)
}

/// Who is on the other end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Somebody who sees what is typed and edits it.
    Editor,
    /// Somebody who types, while the answers go elsewhere.
    Person,
    /// A program: answers alone, and the first failure ends it.
    Pipe,
}

impl Manners {
    fn of_stdin() -> Manners {
        match (stdin().is_terminal(), stdout().is_terminal()) {
            (true, true) => Manners::Editor,
            (true, false) => Manners::Person,
            (false, _) => Manners::Pipe,
        }
    }
}

struct Chat<'a, 'm, 'w> {
    talk: Conversation<'a, 'm, 'w>,
    manner: Manner,
    signals: Signals,
    lines: Lines,
    manners: Manners,
}

impl Chat<'_, '_, '_> {
    fn run(&mut self) -> Outcome {
        if self.manners != Manners::Pipe {
            output::remark("say something; '/help' lists the commands");
        }
        loop {
            let turn = match self.lines.next(&self.signals)? {
                Input::Turn(turn) => turn,
                Input::End => return Ok(()),
                Input::Signal(signal) => return Err(Stop::Signal(signal)),
            };
            match turn.trim() {
                "" => {}
                "/exit" => return Ok(()),
                "/help" => output::remark(COMMANDS),
                "/reset" => self.talk.reset(),
                text => match text.strip_prefix('/') {
                    None => self.turn(text)?,
                    Some(said) if said.starts_with('/') => self.turn(said)?,
                    Some(_) => output::note(format_args!("no such command: '{text}'; '/help' lists the commands")),
                },
            }
            if let Some(signal) = self.signals.end() {
                return Err(Stop::Signal(signal));
            }
        }
    }

    /// Says something and streams the answer.
    fn turn(&mut self, text: &str) -> Outcome {
        let (signals, mut written) = (&self.signals, Ok(()));
        let mut bar = Some(Progress::new("reading"));
        let answer = self.talk.say(text, &self.manner, |event| {
            match event {
                Event::Prompt { done, total } => bar.iter_mut().for_each(|bar| bar.set(done, total)),
                Event::Scored(_) => {}
                Event::Text(piece) => {
                    bar = None;
                    written = output::write(piece);
                }
            }
            let is_over = written.is_err() || signals.take_interrupt() || signals.end().is_some();
            if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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
        let may_go_on = self.manners != Manners::Pipe && matches!(error, ChatError::TooLong { .. } | ChatError::Template { .. });
        if !may_go_on {
            return Err(Stop::from(error));
        }
        output::error(&error.into());
        output::remark("'/reset' begins a new conversation");
        Ok(())
    }
}

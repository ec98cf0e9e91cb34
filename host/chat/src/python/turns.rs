//! Jinja2's `joiner` and `cycler`.

use super::operators::refused;
use minijinja::value::{Object, ObjectRepr, Rest, Value};
use minijinja::{Environment, Error, ErrorKind, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub fn extend(environment: &mut Environment<'_>) {
    environment.add_function("joiner", |separator: Option<Value>| {
        Value::from_object(Joiner { separator: separator.unwrap_or_else(|| ", ".into()), calls: AtomicUsize::new(0) })
    });
    environment.add_function("cycler", |items: Rest<Value>| match items.0.is_empty() {
        true => Err(refused("a cycler of nothing")),
        false => Ok(Value::from_object(Cycler { items: items.0, at: AtomicUsize::new(0) })),
    });
}

/// Nothing the first time, then what stands between.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    calls: AtomicUsize,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        match (args, self.calls.fetch_add(1, Ordering::Relaxed)) {
            ([], 0) => Ok("".into()),
            ([], _) => Ok(self.separator.clone()),
            _ => Err(refused("a joiner takes no arguments")),
        }
    }
}

/// One item after the other, and the first again.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.items[self.at.load(Ordering::Relaxed)].clone())
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let at = self.at.load(Ordering::Relaxed);
        match (name, args) {
            ("next", []) => {
                self.at.store((at + 1) % self.items.len(), Ordering::Relaxed);
                Ok(self.items[at].clone())
            }
            ("reset", []) => {
                self.at.store(0, Ordering::Relaxed);
                Ok(().into())
            }
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("a cycler has no method {name} that takes {} arguments", args.len()))),
        }
    }
}

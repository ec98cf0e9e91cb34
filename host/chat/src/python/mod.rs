//! What templates take from Python and from Jinja2 that minijinja has not, or has in another way.

mod access;
mod checks;
mod filters;
mod format;
mod lazy;
mod methods;
mod operators;
mod picking;
pub(crate) mod rewrite;
mod sorting;
pub(crate) mod source;
mod spec;
mod text;
mod turns;

use minijinja::Environment;

/// Adds operators, filters, tests, functions and methods to an environment.
pub(crate) fn extend(environment: &mut Environment<'_>) {
    access::extend(environment);
    operators::extend(environment);
    filters::extend(environment);
    checks::extend(environment);
    environment.set_unknown_method_callback(methods::method);
    environment.set_formatter(|out, _, value| Ok(out.write_str(&text::python_text(value)?)?));
    turns::extend(environment);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_fill_the_memory_or_never_end_is_refused() {
        let huge = "170141183460469231731687303715884105727";
        for source in [
            format!("'ab' * {huge}"),
            format!("[1] * {huge}"),
            format!("'x' | indent({huge}, true)"),
            format!("'x' | center({huge})"),
            format!("'x'.ljust({huge})"),
            format!("'%{huge}d' % 1"),
            format!("'%*d' % ({huge}, 1)"),
            format!("'{{:{huge}}}'.format(1)"),
            format!("{huge} + 1"),
            "2 ** 200".into(),
            "range(10000000000)".into(),
        ] {
            let refused = crate::template::Template::new(&format!("{{{{ {source} }}}}")).unwrap().render(&crate::template::tests::EMPTY);
            assert!(refused.is_err(), "{source}: {refused:?}");
        }
        let text =
            crate::template::Template::new(&format!("{{{{ [] * {huge} }}}}{{{{ [1, 2, 3][::{huge}] }}}}{{{{ 'a'[-{huge}:] }}}}")).unwrap();
        assert_eq!(text.render(&crate::template::tests::EMPTY).unwrap(), "[][1]a");
    }

    #[test]
    fn methods_and_filters_are_pythons() {
        let mut environment = Environment::new();
        extend(&mut environment);
        // Each by Python 3.11 and Jinja2 3.1.6.
        for (source, expected) in [
            ("{{ ' a b  c '.rsplit(none, 1) }}{{ 'a,b,c'.rsplit(',') }}", "[' a b', 'c']['a', 'b', 'c']"),
            (
                "{{ 'x=1=2'.partition('=') | list }}{{ 'x=1=2'.rpartition('=') | list }}{{ 'x'.rpartition('=') | list }}",
                "['x', '=', '1=2']['x=1', '=', '2']['', '', 'x']",
            ),
            (
                "{{ '-7'.zfill(4) }}|{{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4, '*') }}|{{ 'ab'.center(5) }}|{{ 'abc'.center(6) }}|",
                "-007|ab  |**ab|  ab | abc  |",
            ),
            (
                "{{ 'a\r\nb\n\n'.splitlines() }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.index('c') }}{{ 'aB'.swapcase() }}",
                "['a', 'b', '']ab2Ab",
            ),
            ("{{ 'a\n\nb\n' | indent }}|{{ 'a\n\nb' | indent('>', true, blank=true) }}", "a\n\n    b\n|>a\n>\n>b"),
            ("{{ 'one two_three, 4' | wordcount }}", "3"),
            ("{{ none is iterable }}{{ 'a' is iterable }}{{ x is iterable }}{{ 1 is iterable }}", "FalseTrueTrueFalse"),
            ("{{ 'a' is sequence }}{{ range(3) is sequence }}{{ {} is sequence }}{{ none is sequence }}", "TrueTrueTrueFalse"),
            ("{{ 1e20 }} {{ 0.00001 }} {{ 2.0 }} {{ 3 }}", "1e+20 1e-05 2.0 3"),
        ] {
            assert_eq!(environment.render_str(source, ()).unwrap(), expected, "{source}");
        }
    }
}

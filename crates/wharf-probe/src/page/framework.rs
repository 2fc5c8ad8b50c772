//! Frameworks and servers, by what their answers give away.

use super::Answer;

/// Where a sign stands.
enum Sign {
    /// A header of this name, whose value contains this, in any case.
    Header(&'static str, &'static str),
    /// A cookie whose name contains this.
    Cookie(&'static str),
    /// The page contains this.
    Page(&'static str),
}

use Sign::{Cookie, Header, Page};

/// The first that fits counts: what is built on something stands before it.
static SIGNS: &[(Sign, &str)] = &[
    (Page("/@vite/client"), "Vite"),
    (Page("/@react-refresh"), "Vite"),
    (Page("__NUXT__"), "Nuxt"),
    (Page("/_nuxt/"), "Nuxt"),
    (Header("x-powered-by", "nuxt"), "Nuxt"),
    (Page("__NEXT_DATA__"), "Next.js"),
    (Page("/_next/static"), "Next.js"),
    (Header("x-powered-by", "next.js"), "Next.js"),
    (Page("__sveltekit"), "SvelteKit"),
    (Page("data-sveltekit"), "SvelteKit"),
    (Page("/_app/immutable"), "SvelteKit"),
    (Page("<astro-"), "Astro"),
    (Page("/_astro/"), "Astro"),
    (Page("content=\"Astro v"), "Astro"),
    (Page("__remixContext"), "Remix"),
    (Page("__reactRouterContext"), "React Router"),
    (Page("___gatsby"), "Gatsby"),
    (Page("ng-version="), "Angular"),
    (Page("<app-root"), "Angular"),
    (Page("webpackHotUpdate"), "webpack-dev-server"),
    (
        Page("/static/js/bundle.js"),
        "webpack-dev-server (Create React App)",
    ),
    (Page("storybook-root"), "Storybook"),
    (Page("sb-manager"), "Storybook"),
    (Header("server", "airtunes"), "AirPlay receiver (AirTunes)"),
    (Header("server", "tornadoserver"), "Tornado"),
    (Page("jupyter-config-data"), "Jupyter"),
    (Cookie("_xsrf"), "Jupyter or Tornado"),
    (Page("grafanaBootData"), "Grafana"),
    (Cookie("grafana_session"), "Grafana"),
    (Page("<title>Prometheus"), "Prometheus"),
    (Page("<title>RabbitMQ Management"), "RabbitMQ Management"),
    (Page("Ollama is running"), "Ollama"),
    (Header("server", "minio"), "MinIO"),
    (Header("x-elastic-product", ""), "Elasticsearch"),
    (Header("x-jenkins", ""), "Jenkins"),
    (Page("<title>Mailpit"), "Mailpit"),
    (Page("<title>MailHog"), "MailHog"),
    (Page("swagger-ui"), "Swagger UI"),
    (Page("streamlit"), "Streamlit"),
    (Page("gradio_config"), "Gradio"),
    (Cookie("laravel_session"), "Laravel"),
    (Cookie("XSRF-TOKEN"), "Laravel or Angular"),
    (Header("x-runtime", ""), "Rails"),
    (Page("csrf-param\" content=\"authenticity_token"), "Rails"),
    (Page("phx-socket"), "Phoenix"),
    (Page("data-phx-main"), "Phoenix"),
    (Cookie("csrftoken"), "Django"),
    (Page("csrfmiddlewaretoken"), "Django"),
    (
        Page("You're seeing this error because you have <code>DEBUG = True</code>"),
        "Django",
    ),
    (Header("server", "wsgiserver"), "Django"),
    (Header("server", "werkzeug"), "Flask (Werkzeug)"),
    (Header("server", "uvicorn"), "FastAPI or another on uvicorn"),
    (Header("server", "hypercorn"), "ASGI (hypercorn)"),
    (Header("server", "daphne"), "Django (daphne)"),
    (Header("server", "gunicorn"), "WSGI (gunicorn)"),
    (Header("server", "simplehttp"), "Python http.server"),
    (Page("Whitelabel Error Page"), "Spring Boot"),
    (Header("x-application-context", ""), "Spring Boot"),
    (Cookie("JSESSIONID"), "Java servlets"),
    (Header("server", "kestrel"), "ASP.NET Core (Kestrel)"),
    (Header("x-powered-by", "asp.net"), "ASP.NET"),
    (Cookie(".AspNetCore."), "ASP.NET Core"),
    (Header("server", "cowboy"), "Cowboy (Erlang, Elixir)"),
    (Header("server", "puma"), "Puma (Ruby)"),
    (Header("server", "webrick"), "WEBrick (Ruby)"),
    (Header("x-powered-by", "express"), "Express"),
    (Header("x-powered-by", "php"), "PHP"),
    (Cookie("PHPSESSID"), "PHP"),
    (Header("server", "rocket"), "Rocket"),
    (Header("server", "jetty"), "Jetty"),
    (Header("server", "tomcat"), "Tomcat"),
    (Header("server", "apache-coyote"), "Tomcat"),
    (Header("server", "traefik"), "Traefik"),
    (Header("server", "envoy"), "Envoy"),
    (Header("server", "caddy"), "Caddy"),
    (Header("server", "openresty"), "OpenResty"),
    (Header("server", "nginx"), "nginx"),
    (Header("server", "apache"), "Apache"),
    (Header("server", "lighttpd"), "lighttpd"),
    (Header("server", "cups"), "CUPS"),
];

/// The framework of `answer`, whose body reads `page`.
pub(super) fn find(answer: &Answer, page: &str) -> Option<&'static str> {
    let cookies = answer.cookies();
    let holds = |sign: &Sign| match sign {
        Header(name, part) => answer
            .header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(part)),
        Cookie(part) => cookies.iter().any(|name| name.contains(part)),
        Page(part) => page.contains(part),
    };
    SIGNS.iter().find(|(sign, _)| holds(sign)).map(|(_, name)| *name)
}

//! Whose page sent this request?

use hyper::HeaderMap;
use hyper::header::ORIGIN;

use super::authority::Authority;
use crate::Target;

/// Whether the request's origin is a page of the target's stack at this door. The comparison is with the names that the
/// stack has registered: under DNS rebinding `Origin` equals `Host`, and both are the attacker's.
///
/// A request without `Origin` passes, since that says nothing: browsers leave it out of plain navigation and
/// `<img>`, and programs never send it. `null` (a sandboxed frame, a file), an address, any other name, any other port, and
/// a list are all foreign.
pub(crate) fn is_friendly(headers: &HeaderMap, target: &Target, port: u16) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin
            .to_str()
            .is_ok_and(|origin| is_page_of(origin, target, port)),
        (Some(_), Some(_)) => false,
    }
}

fn is_page_of(origin: &str, target: &Target, port: u16) -> bool {
    // Browsers write the scheme in lower case (WHATWG HTML, serialisation of an origin).
    let Some(authority) = origin.strip_prefix("http://") else {
        return false;
    };
    let Ok(authority) = Authority::parse(authority) else {
        return false;
    };
    // They leave the scheme's own port out.
    let same_port = authority.port().unwrap_or(80) == port;
    same_port && authority.host().is_some_and(|host| target.names.contains(host))
}

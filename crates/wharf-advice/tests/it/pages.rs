//! Each rule has its page, and each page its rule.

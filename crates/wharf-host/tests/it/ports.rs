use wharf_host::ports;

#[test]
fn the_settings_are_there() {
    let range = ports::ephemeral_range().expect("the ephemeral range");
    assert!(range.first() < range.last());
    ports::reserved().expect("the reserved ports");
    ports::unprivileged_start().expect("the least unprivileged port");
}

#[test]
fn bind_zero_gives_a_port_of_the_range() {
    let range = ports::ephemeral_range().expect("the ephemeral range");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("an address").port();
    assert!(range.contains(port), "{port} is not in {range}");
}

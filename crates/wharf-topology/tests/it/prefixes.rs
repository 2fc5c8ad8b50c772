//! Blocks of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use wharf_topology::Prefix;

#[test]
fn blocks_are_read_and_written() {
    for text in [
        "10.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "fd77:6861:7266::/48",
        "1.2.3.4/32",
    ] {
        assert_eq!(text.parse::<Prefix>().expect(text).to_string(), text);
    }
    assert_eq!(
        "::1".parse::<Prefix>().expect("an address").to_string(),
        "::1/128"
    );
    let said = ["10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "ten/8", ""]
        .map(|text| text.parse::<Prefix>().expect_err(text).to_string());
    insta::assert_snapshot!(said.join("\n"), @r"
    `10.0.0.0/33` is no block of addresses: its address has fewer bits
    `10.0.0.1/8` is no block of addresses: bits are set beyond its length
    `10.0.0.0/` is no block of addresses: there is `198.18.7.0/24`, `fd00::/8`, or one address
    `ten/8` is no block of addresses: there is `198.18.7.0/24`, `fd00::/8`, or one address
    `` is no block of addresses: there is `198.18.7.0/24`, `fd00::/8`, or one address
    ");
}

proptest! {
    #[test]
    fn what_a_block_has_is_what_agrees_in_its_first_bits(one: u32, other: u32, len in 0..=32_u8) {
        let block = Prefix::around(Ipv4Addr::from_bits(one).into(), len);
        let same = u64::from(one ^ other) >> (32 - len) == 0;
        prop_assert_eq!(block.contains(Ipv4Addr::from_bits(other).into()), same);
        prop_assert!(!block.contains(Ipv4Addr::from_bits(other).to_ipv6_mapped().into()));
        prop_assert_eq!(block.to_string().parse::<Prefix>().expect("its own text"), block);
    }

    #[test]
    fn the_same_of_ipv6(one: u128, flip in 0..128_u32, len in 0..=128_u8) {
        let block = Prefix::around(Ipv6Addr::from_bits(one).into(), len);
        let other: IpAddr = Ipv6Addr::from_bits(one ^ (1 << (127 - flip))).into();
        prop_assert_eq!(block.contains(other), flip >= u32::from(len));
    }
}

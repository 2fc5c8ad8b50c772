#!/usr/bin/env python3
"""Has this machine's kernel cut what a device was handed whole: packets with a virtio-net header are written
to one TUN device and forwarded to another that takes no offload. Prints each, and what came out.

Run as root in a network namespace of its own: unshare -n python3 record.py > kernel.txt
"""
import fcntl, os, select, socket, struct, subprocess

IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUNSETIFF = 0x400454CA


def tun(name, flags):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI | flags))
    return fd


def total(data):
    if len(data) % 2:
        data += b"\0"
    sum_ = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while sum_ > 0xFFFF:
        sum_ = (sum_ >> 16) + (sum_ & 0xFFFF)
    return sum_


def packet(family, proto, transport, ttl=64, id_=1, flags=0x4000, tos=0):
    src, dst = (("10.1.0.5", "10.2.0.5"), ("fd01::5", "fd02::5"))[family == 6]
    af = socket.AF_INET6 if family == 6 else socket.AF_INET
    addresses = socket.inet_pton(af, src) + socket.inet_pton(af, dst)
    pseudo = total(addresses + struct.pack("!IBBH", len(transport), 0, 0, proto))
    at = 16 if proto == 6 else 6
    transport = transport[:at] + struct.pack("!H", pseudo) + transport[at + 2 :]
    if family == 6:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, len(transport), proto, ttl) + addresses + transport, 40, at
    header = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(transport), id_, flags, ttl, proto, 0) + addresses
    header = header[:10] + struct.pack("!H", 0xFFFF ^ total(header)) + header[12:]
    return header + transport, 20, at


def tcp(flags, payload, seq=0xFFFFFF80, options=b""):
    offset = (20 + len(options)) // 4 << 4
    return struct.pack("!HHIIBBHHH", 4000, 443, seq, 77, offset, flags, 500, 0, 0) + options + payload


def udp(payload):
    return struct.pack("!HHHH", 4000, 53, 8 + len(payload), 0) + payload


def data(n):
    return bytes((i * 7 + i // 251) & 255 for i in range(n))


STAMPS = b"\x01\x01\x08\x0a" + struct.pack("!II", 1, 2)
FIN, PSH, ACK, CWR = 1, 8, 16, 128
CASES = [
    ("tcp over ipv4", 4, 6, tcp(ACK | PSH, data(350)), 100, 1, {}),
    ("tcp over ipv4, fin and cwr, identification wraps", 4, 6, tcp(ACK | PSH | FIN | CWR, data(350)), 100, 0x81, {"id_": 0xFFFF}),
    ("tcp over ipv4, may be fragmented, ect(0), timestamps", 4, 6, tcp(ACK, data(299), options=STAMPS), 100, 1, {"flags": 0, "tos": 2}),
    ("tcp over ipv4, one odd byte over", 4, 6, tcp(ACK | PSH, data(201)), 100, 1, {}),
    ("tcp over ipv6, fin and cwr", 6, 6, tcp(ACK | PSH | FIN | CWR, data(350), options=STAMPS), 100, 0x84, {"tos": 2}),
    ("tcp over ipv6, exactly two", 6, 6, tcp(ACK, data(200)), 100, 4, {}),
    ("udp over ipv4", 4, 17, udp(data(350)), 100, 5, {"id_": 0xFFFE}),
    ("udp over ipv6", 6, 17, udp(data(201)), 100, 5, {}),
    ("udp over ipv4, not to be cut", 4, 17, udp(data(33)), 0, 0, {}),
    ("tcp over ipv6, not to be cut", 6, 6, tcp(ACK, data(34)), 0, 0, {}),
]

fd_in, fd_out = tun("in0", IFF_VNET_HDR), tun("out0", 0)
for line in (
    "ip link set lo up", "ip link set in0 up", "ip link set out0 up",
    "ip addr add 10.1.0.1/24 dev in0", "ip addr add 10.2.0.1/24 dev out0",
    "ip -6 addr add fd01::1/64 dev in0 nodad", "ip -6 addr add fd02::1/64 dev out0 nodad",
    "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in0.rp_filter=0",
):
    subprocess.run(line.split(), check=True)

kernel = ".".join(os.uname().release.split(".")[:2])
print(f"# What Linux {kernel} made of each packet: written to one TUN device with its virtio-net header, forwarded to")
print("# another that takes no offload. Every hop takes one from the time to live.")
for name, family, proto, transport, size, gso, ip in CASES:
    whole, start, at = packet(family, proto, transport, **ip)
    header = struct.pack("=BBHHHH", 1, gso, start + (20 if proto == 6 else 8), size, start, at)
    os.write(fd_in, header + whole)
    print(f"\n= {name}\nwhole {header.hex()} {whole.hex()}")
    while select.select([fd_out], [], [], 0.5)[0]:
        piece = os.read(fd_out, 70000)
        wanted = piece[0] >> 4 == family and (piece[6] == proto if family == 6 else piece[9] == proto)
        if wanted:
            print(f"piece {piece.hex()}")

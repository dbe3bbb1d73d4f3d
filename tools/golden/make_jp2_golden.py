#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make tests/data/jp2: small JPEG 2000 files, each covering a few features, and what they decode to.

usage: make_jp2_golden.py OUT_DIR      (needs opj_compress and opj_decompress, libopenjp2-tools)

Pixels are synthetic, from integer formulas.  Lossless files must decode to exactly those pixels, which is
checked here with opj_decompress before anything is written; for lossy ones and for reduced resolutions
opj_decompress is the reference.  OUT_DIR/expected.txt has one line per file, component and resolution:
    file component reduce width height bits signed crc32
OpenJPEG is no reference where it takes the order of COD and COC to matter; those files have the pixels alone.
crc32 is over the samples as little-endian 16-bit words, rows from top to bottom.
"""
import os, re, struct, subprocess, sys, tempfile, zlib


def pixel(kind, x, y, c, bits, signed):
    h = (x * 0x9E3779B1 ^ y * 0x85EBCA77 ^ c * 0xC2B2AE3D) & 0xFFFFFFFF
    h = (h ^ h >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    h ^= h >> 12
    top = (1 << bits) - 1
    if kind == 'smooth':
        v = (x * x * 7 + y * x * 5 + c * 900) * top // 60000 + (h & 3)
        v = top - abs(top - v % (2 * top)) if top > 3 else v & top
    elif kind == 'nodata':  # a scene with an empty wedge, as at the edge of a swath
        v = 0 if x > 20 + y // 2 else 1500 + x * 20 + y * 13 + (h & 15)
    elif kind == 'constant':
        v = 5
    elif kind == 'extreme':  # the largest coefficients there are
        v = top * ((x // 3 + y // 2) & 1)
    else:
        v = h & top
    v = max(0, min(top, v))
    return v - (1 << bits - 1) if signed else v


# name: width, height, components, bits, signed, kind, steps, lossless, options, edit
CASES = {
    'plain.j2k': dict(size=(70, 61), bits=15, args='-n 4'),
    'no_levels.j2k': dict(size=(33, 20), bits=12, args='-n 1'),
    's2_10m.jp2': dict(size=(100, 90), bits=15, kind='nodata',
                       args='-n 5 -b 64,64 -c [64,64],[64,64],[64,64],[64,64],[64,64] -t 64,64 -p LRCP -PLT', edit='boxes'),
    's2_20m.jp2': dict(size=(70, 50), bits=15, kind='nodata',
                       args='-n 5 -b 8,8 -c [32,32],[32,32],[32,32],[32,32],[32,32] -t 40,40 -p LRCP -PLT'),
    's2_60m.jp2': dict(size=(50, 40), bits=15, kind='nodata', lossless=False,
                       args='-n 5 -b 4,4 -c [16,16],[16,16],[16,16],[16,16],[16,16] -t 24,24 -p LRCP -PLT -TLM -r 4'),
    'truncated_blocks.j2k': dict(size=(80, 70), bits=15, lossless=False, args='-n 4 -r 6'),
    'rlcp.j2k': dict(size=(60, 50), comps=2, args='-n 3 -p RLCP -c [16,16],[16,16],[8,8] -b 8,8 -t 40,30 -r 8,4,1'),
    'rpcl.j2k': dict(size=(60, 50), comps=2, args='-n 3 -p RPCL -c [16,16],[8,16],[8,8] -b 8,8 -t 40,30 -r 8,1'),
    'pcrl.j2k': dict(size=(60, 50), comps=2, args='-n 3 -p PCRL -c [16,16],[16,8],[8,8] -b 8,8 -t 40,30 -r 8,1'),
    'cprl.j2k': dict(size=(60, 50), comps=2, args='-n 3 -p CPRL -c [16,16],[16,16],[8,8] -b 8,8 -t 40,30 -r 8,1'),
    'rpcl_subsampled.j2k': dict(size=(50, 46), comps=3, steps=[(1, 1), (2, 2), (2, 1)],
                                args='-n 3 -p RPCL -c [16,16],[16,16],[8,8] -b 8,8 -t 33,27 -mct 0'),
    'pcrl_subsampled.j2k': dict(size=(50, 46), comps=3, steps=[(1, 1), (2, 2), (1, 2)],
                                args='-n 3 -p PCRL -c [16,16],[16,16],[8,8] -b 8,8 -t 33,27 -d 3,5 -T 1,2 -mct 0'),
    'poc.j2k': dict(size=(40, 40), comps=2, args='-n 3 -r 6,1 -POC T1=0,0,2,2,2,RLCP/T1=2,0,2,3,2,CPRL'),
    'offsets.j2k': dict(size=(45, 39), bits=10, args='-n 4 -d 13,7 -T 5,3 -t 17,19'),
    'tiny_tiles.j2k': dict(size=(19, 17), bits=10, args='-n 2 -t 4,5 -d 3,3 -T 2,2'),
    'many_columns.j2k': dict(size=(118, 20), bits=10, args='-n 3 -t 12,16'),
    'small_blocks.j2k': dict(size=(58, 40), bits=10, args='-n 3 -b 4,4'),
    'tall.j2k': dict(size=(5, 500), bits=10, args='-n 3 -b 4,1024'),
    'wide.j2k': dict(size=(500, 3), bits=10, args='-n 2 -b 1024,4'),
    'one_column.j2k': dict(size=(1, 37), bits=12, args='-n 1 -d 1,1'),
    'bypass.j2k': dict(size=(48, 48), bits=12, kind='noise', args='-n 2 -M 1 -b 32,32'),
    'reset.j2k': dict(size=(40, 40), bits=12, args='-n 3 -M 2'),
    'terminate_all.j2k': dict(size=(40, 40), bits=12, args='-n 3 -M 4 -r 4,1'),
    'causal.j2k': dict(size=(40, 40), bits=12, args='-n 3 -M 8'),
    'predictable.j2k': dict(size=(40, 40), bits=12, args='-n 3 -M 20'),
    'symbols.j2k': dict(size=(40, 40), bits=12, args='-n 3 -M 32'),
    'bypass_terminate_all.j2k': dict(size=(36, 36), bits=12, kind='noise', args='-n 2 -M 5 -r 3,1'),
    'all_styles.j2k': dict(size=(36, 36), bits=12, kind='noise', args='-n 2 -M 63'),
    'bypass_layers.j2k': dict(size=(36, 36), bits=12, kind='noise', args='-n 2 -M 1 -r 4,2,1'),
    'layers.j2k': dict(size=(50, 50), bits=10, args='-n 4 -r 20,10,5,2,1'),
    'rct.j2k': dict(size=(40, 32), comps=3, args='-n 3 -mct 1'),
    'ict.j2k': dict(size=(40, 32), comps=3, lossless=False, args='-n 3 -mct 1 -I -r 3'),
    'irreversible.jp2': dict(size=(60, 60), bits=16, lossless=False, args='-n 4 -I -r 4'),
    'irreversible_offsets.j2k': dict(size=(41, 37), bits=12, lossless=False, args='-n 4 -I -r 3 -d 3,1 -t 23,20'),
    'sop_eph.j2k': dict(size=(48, 40), bits=10, args='-n 3 -SOP -EPH -c [16,16] -b 8,8 -r 5,1'),
    'ppt.j2k': dict(size=(48, 40), bits=10, args='-n 3 -SOP -EPH -c [16,16] -b 8,8 -t 30,30 -r 5,1', edit='ppt'),
    'ppm.j2k': dict(size=(64, 40), bits=10, args='-n 3 -SOP -EPH -c [32,32] -b 8,8 -t 40,40 -TP R', edit='ppm'),
    'tile_parts.j2k': dict(size=(50, 44), comps=2, args='-n 3 -TP R -t 32,32 -p RLCP'),
    'interleaved_tile_parts.j2k': dict(size=(50, 44), comps=2, args='-n 3 -TP R -t 32,32 -p RLCP', edit='interleave'),
    'open_end.j2k': dict(size=(30, 30), bits=10, args='-n 3 -t 20,20', edit='open_end'),
    'tile_headers.j2k': dict(size=(40, 40), bits=10, args='-n 3 -t 20,20 -b 16,8 -p RPCL', edit='tile_headers'),
    'component_headers.j2k': dict(size=(32, 32), comps=2, bits=10, args='-n 3 -b 16,8', edit='component_headers'),
    'component_headers_first.j2k': dict(size=(32, 32), comps=2, bits=10, args='-n 3 -b 16,8', edit='component_headers_first',
                                        opj=False),
    'tile_over_component.j2k': dict(size=(40, 32), comps=2, bits=10, args='-n 3 -b 16,8 -t 32,32',
                                    edit='tile_over_component', opj=False),
    'poc_layers.j2k': dict(size=(40, 40), bits=10, args='-n 3 -SOP -r 8,4,1', edit='poc', opj=False),
    'roi.j2k': dict(size=(40, 40), bits=10, args='-n 3 -ROI c=0,U=7'),
    'signed.j2k': dict(size=(50, 40), bits=12, signed=True, args='-n 4'),
    'one_bit.j2k': dict(size=(40, 40), bits=1, kind='extreme', args='-n 3'),
    'constant.j2k': dict(size=(200, 100), bits=8, kind='constant', args='-n 5 -t 64,64'),
    'extreme.j2k': dict(size=(30, 30), bits=16, kind='extreme', args='-n 5'),
}


def segments(data, at):
    """(marker, begin, end) of the marker segments of a header."""
    while True:
        marker = struct.unpack('>H', data[at:at + 2])[0]
        if marker in (0xFF90, 0xFF93, 0xFFD9):
            return
        end = at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]
        yield marker, at, end
        at = end


def split(data):
    """main header, tile-parts."""
    at = 2
    for _, _, at in segments(data, 2):
        pass
    main, parts = data[:at], []
    while data[at:at + 2] == b'\xff\x90':
        size = struct.unpack('>I', data[at + 6:at + 10])[0]
        parts.append(data[at:at + size])
        at += size
    assert data[at:] == b'\xff\xd9'
    return main, parts


def with_header(part, extra):
    """A tile-part with more marker segments before its SOD."""
    at = 12
    for _, _, at in segments(part, 12):
        pass
    part = part[:at] + extra + part[at:]
    return part[:6] + struct.pack('>I', len(part)) + part[10:]


def segment(marker, body):
    return struct.pack('>HH', marker, len(body) + 2) + body


def packed(part):
    """A tile-part with SOP and EPH markers cut into (header bytes, tile-part without them)."""
    at = 12
    for _, _, at in segments(part, 12):
        pass
    head, data = part[:at + 2], part[at + 2:]
    headers, bodies = b'', b''
    for packet in re.split(rb'(?=\xff\x91\x00\x04)', data)[1:]:
        end = packet.index(b'\xff\x92') + 2
        headers += packet[6:end]
        bodies += packet[:6] + packet[end:]
    part = head + bodies
    return headers, part[:6] + struct.pack('>I', len(part)) + part[10:]


def edit(data, how):
    if how == 'boxes':  # an extended-length box in front, a codestream box to the end of the file
        at = data.index(b'jp2c') - 4
        return data[:at] + struct.pack('>I4sQ', 1, b'xml ', 16 + 9) + b'<empty />' + struct.pack('>I', 0) + data[at + 4:]
    main, parts = split(data)
    if how == 'ppt':
        for i, p in enumerate(parts):
            headers, p = packed(p)
            half = len(headers) // 2
            parts[i] = with_header(p, segment(0xFF61, b'\0' + headers[:half]) + segment(0xFF61, b'\1' + headers[half:]))
    elif how == 'ppm':
        series = b''
        for i, p in enumerate(parts):
            headers, parts[i] = packed(p)
            series += struct.pack('>I', len(headers)) + headers
        third = len(series) // 3  # cut anywhere, and not in order
        pieces = [series[:third], series[third:2 * third], series[2 * third:]]
        main += b''.join(segment(0xFF60, bytes([i]) + pieces[i]) for i in (1, 0, 2))
    elif how == 'interleave':
        parts.sort(key=lambda p: (p[10], p[5]))  # by TPsot, then tile
    elif how == 'open_end':
        parts[-1] = parts[-1][:6] + struct.pack('>I', 0) + parts[-1][10:]
    elif how == 'tile_headers':  # the main header says something else, each tile what is true
        cod = next(main[b:e] for m, b, e in segments(main, 2) if m == 0xFF52)
        qcd = next(main[b:e] for m, b, e in segments(main, 2) if m == 0xFF5C)
        wrong = cod[:5] + b'\0\0\3\0' + cod[9:10] + b'\4\4' + cod[12:]
        main = main.replace(cod, wrong).replace(qcd, segment(0xFF5C, b'\x20' + b'\x40' * 7))
        parts = [with_header(p, cod + qcd) for p in parts]
    elif how == 'poc':  # overlapping progressions: packets that were there before are left out
        volumes = [(0, 0, 1, 3, 1, 0), (0, 0, 2, 2, 1, 0), (1, 0, 3, 3, 1, 0), (0, 0, 3, 3, 1, 0)]
        packets = re.split(rb'(?=\xff\x91\x00\x04)', parts[0])
        main += segment(0xFF5F, b''.join(struct.pack('>BBHBBB', *v) for v in volumes))
        # The file has layer by layer, three resolutions each.  The third volume takes layer 2 of resolutions 1
        # and 2 before the fourth takes that of resolution 0.
        assert len(packets) == 10
        order = [0, 1, 2, 3, 4, 5, 6, 8, 9, 7]
        parts[0] = b''.join(packets[i] for i in order)
    elif 'component' in how:  # COC and QCC for each component
        cod = next(main[b:e] for m, b, e in segments(main, 2) if m == 0xFF52)
        qcd = next(main[b:e] for m, b, e in segments(main, 2) if m == 0xFF5C)
        wrong_cod, wrong_qcd = cod[:10] + b'\4\4' + cod[12:], segment(0xFF5C, b'\x20' + b'\x40' * 7)
        if how == 'tile_over_component':  # the main header's are wrong, the tiles' COD and QCD go before them
            parts = [with_header(p, cod + qcd) for p in parts]
            cod, qcd = wrong_cod, wrong_qcd
        own = b''.join(segment(0xFF53, bytes([c, cod[4] & 1]) + cod[9:]) + segment(0xFF5D, bytes([c]) + qcd[4:])
                       for c in range(2))
        if how == 'component_headers_first':
            at = main.index(b'\xff\x52')
            main = main[:at] + own + main[at:]
        else:
            main += own
        if how != 'tile_over_component':
            main = main.replace(cod, wrong_cod).replace(qcd, wrong_qcd)
    return main + b''.join(parts) + b'\xff\xd9'


def read_pgx(path):
    data = open(path, 'rb').read()
    end = data.index(b'\n')
    _, order, sign, bits, width, height = re.match(
        rb'(PG) (ML|LM) ([+-]?) ?(\d+) (\d+) (\d+)', data[:end]).groups()
    bits, width, height = int(bits), int(width), int(height)
    kind = ('b' if bits <= 8 else 'h') if sign == b'-' else ('B' if bits <= 8 else 'H')
    return width, height, bits, sign == b'-', struct.unpack(
        ('>' if order == b'ML' else '<') + '%d%s' % (width * height, kind), data[end + 1:])


def decode(path, reduce, comps, folder):
    for f in os.listdir(folder):
        if f.endswith('.pgx'):
            os.remove(os.path.join(folder, f))
    subprocess.run(['opj_decompress', '-i', path, '-o', os.path.join(folder, 'o.pgx'), '-r', str(reduce)], check=True,
                   stdout=subprocess.DEVNULL)
    return [read_pgx(os.path.join(folder, 'o_%d.pgx' % c)) for c in range(comps)]


def crc(samples):
    return zlib.crc32(b''.join(struct.pack('<H', v & 0xFFFF) for v in samples))


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            width, height = case['size']
            comps, bits, signed = case.get('comps', 1), case.get('bits', 8), case.get('signed', False)
            steps = case.get('steps', [(1, 1)] * comps)
            origin = re.search(r'-d (\d+),(\d+)', case['args'])
            x0, y0 = (int(origin[1]), int(origin[2])) if origin else (0, 0)
            planes = []
            for c, (dx, dy) in enumerate(steps):
                w, h = -(-(x0 + width) // dx) - -(-x0 // dx), -(-(y0 + height) // dy) - -(-y0 // dy)
                # opj_compress takes planes of size / step, rounded up, whatever the origin
                assert (w, h) == (-(-width // dx), -(-height // dy)), name
                planes.append([pixel(case.get('kind', 'smooth'), x, y, c, bits, signed) for y in range(h) for x in range(w)])
            raw = os.path.join(folder, 'in.rawl')
            with open(raw, 'wb') as f:
                for p in planes:
                    f.write(struct.pack('<%d%s' % (len(p), ('b' if signed else 'B') if bits <= 8 else ('h' if signed else 'H')), *p))
            path = os.path.join(folder, name)
            form = '%d,%d,%d,%d,%s@%s' % (width, height, comps, bits, 's' if signed else 'u',
                                          ':'.join('%dx%d' % s for s in steps))
            subprocess.run(['opj_compress', '-i', raw, '-o', path, '-F', form] + case['args'].split(), check=True,
                           stdout=subprocess.DEVNULL)
            data = open(path, 'rb').read()
            data = re.sub(rb'\xff\x64\x00.\x00\x01Created by OpenJPEG version [0-9.]+', b'', data)  # nothing of the encoder's
            if name.endswith('.jp2'):  # the box has become shorter
                at = data.index(b'jp2c') - 4
                data = data[:at] + struct.pack('>I', len(data) - at) + data[at + 4:]
            if 'edit' in case:
                data = edit(data, case['edit'])
            open(path, 'wb').write(data)
            levels = int(re.search(r'-n (\d+)', case['args'])[1]) - 1
            if not case.get('opj', True):  # what OpenJPEG reads otherwise than the standard says
                for c, p in enumerate(planes):
                    lines.append('%s %d 0 %d %d %d %d %08x' % (name, c, *case['size'], bits, signed, crc(p)))
            for reduce in range(levels + 1) if case.get('opj', True) else []:
                for c, (w, h, b, s, samples) in enumerate(decode(path, reduce, comps, folder)):
                    if reduce == 0 and case.get('lossless', True):
                        assert list(samples) == planes[c], name + ' is not lossless'
                    lines.append('%s %d %d %d %d %d %d %08x' % (name, c, reduce, w, h, b, s, crc(samples)))
            assert len(data) <= 4096, (name, len(data))
            open(os.path.join(out, name), 'wb').write(data)
    open(os.path.join(out, 'expected.txt'), 'w').write('\n'.join(lines) + '\n')


main()

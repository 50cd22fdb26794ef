import ContentCoding
import TestSupport
import Testing

@Suite("Content decoder", .timeLimit(.minutes(2)))
struct ContentDecoderTests {
    private let text = Sample.text.bytes(2000)

    @Test("several gzip members, also empty ones, are one content, wherever the data is cut") func members() throws {
        let contents: [[UInt8]] = [text, [], [1], [], Sample.random.bytes(500)]
        let data = try contents.flatMap { try encode($0, .gzip) }
        let whole = Array(contents.joined())
        for split in 0...data.count {
            #expect(try decode(data, .gzip, splits: [split], room: 100) == whole, "split at \(split)")
        }
        #expect(try decode(data, .gzip, splits: Array(0...data.count), room: 1) == whole)
        // They are gzip's only (RFC 1952 §2.2).
        #expect(try decodingError(encode(text, .deflate) + encode(text, .deflate), .deflate) == .trailingData)
    }

    /// RFC 1952 §2.3: ID1, ID2, CM, FLG, MTIME, XFL, OS, then what FLG announces.
    private func member(_ content: [UInt8], flags: UInt8, fields: [UInt8], isHeaderChecked: Bool) throws -> [UInt8] {
        var header: [UInt8] = [0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 2, 3] + fields
        // CRC16: of the CRC-32, which stands behind the data of a member, the lower half.
        if isHeaderChecked { header += try encode(header, .gzip).suffix(8).prefix(2) }
        return try header + encode(content, .gzip).dropFirst(10)
    }

    @Test("a gzip header with extra field, name, comment and checksum is skipped", arguments: 0..<16)
    func header(combination: Int) throws {
        let (hasExtra, hasName) = (combination & 1 != 0, combination & 2 != 0)
        let (hasComment, isChecked) = (combination & 4 != 0, combination & 8 != 0)
        var fields: [UInt8] = []
        if hasExtra { fields += [5, 0, 0x1F, 0x8B, 1, 0, 9] }
        if hasName { fields += Array("größe.txt".utf8) + [0] }
        if hasComment { fields += Array("a comment".utf8) + [0] }
        let flags: UInt8 = (hasExtra ? 4 : 0) | (hasName ? 8 : 0) | (hasComment ? 16 : 0) | (isChecked ? 2 : 0)
        let data = try member(text, flags: flags, fields: fields, isHeaderChecked: isChecked)
        for split in 0...data.count { #expect(try decode(data, .gzip, splits: [split]) == text, "split at \(split)") }
        if isChecked {
            var damaged = data
            damaged[4] ^= 1
            #expect(decodingError(damaged, .gzip) == .corrupt)
        }
    }

    @Test("deflate also reads raw DEFLATE data (stored, fixed and dynamic codes), wherever it is cut")
    func raw() throws {
        let contents: [[UInt8]] = [[], [0], Array("abc".utf8), text, Sample.random.bytes(700)]
        var firstBlocks: Set<UInt8> = []
        for content in contents {
            for level in [0, 1, 9] {
                let data = try rawDeflate(content, level: level)
                firstBlocks.insert(try #require(data.first) >> 1 & 3)
                for split in 0...data.count {
                    #expect(try decode(data, .deflate, splits: [split], room: 97) == content, "split at \(split)")
                }
                #expect(try decode(data, .deflate, splits: Array(0...data.count), room: 1) == content)
            }
        }
        // The test has seen all types of blocks (RFC 1951 §3.2.3).
        #expect(firstBlocks == [0, 1, 2])
        // By Python's zlib.compressobj(wbits=-15).
        #expect(try decode([0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], .deflate) == Array("hello".utf8))
        #expect(
            try decode([0x01, 0x05, 0x00, 0xFA, 0xFF, 0x68, 0x65, 0x6C, 0x6C, 0x6F], .deflate) == Array("hello".utf8))
    }

    @Test("zlib data of any window, level and strategy is not mistaken for raw DEFLATE") func zlibHeaders() throws {
        // CMF and FLG by RFC 1950 §2.2, with a window that is at least the content's.
        let content = Array("hello".utf8)
        let data = try encode(content, .deflate)
        for window: UInt8 in 0...7 {
            for level: UInt8 in 0...3 {
                let cmf = window << 4 | 8
                let flg = level << 6
                let check = UInt8((31 - (Int(cmf) << 8 | Int(flg)) % 31) % 31)
                #expect(try decode([cmf, flg | check] + data.dropFirst(2), .deflate) == content)
                #expect(decodingError([cmf, (flg | check) ^ 1] + data.dropFirst(2), .deflate) == .corrupt)
            }
        }
        // A window of more than 32 KiB; an unknown dictionary.
        #expect(decodingError([0x88, 0x1C] + data.dropFirst(2), .deflate) == .corrupt)
        #expect(decodingError([0x78, 0xBB, 1, 2, 3, 4] + data.dropFirst(2), .deflate) == .corrupt)
    }

    @Test("data cut off at any byte is an error after the content before the cut", arguments: 0..<3)
    func truncation(format: Int) throws {
        for content in [[], [1], text, Sample.random.bytes(300)] {
            let data =
                try format == 0 ? encode(content, .gzip) : format == 1 ? encode(content, .deflate) : rawDeflate(content)
            let coding = format == 0 ? Coding.gzip : .deflate
            for count in 0..<data.count {
                let cut = Array(data[..<count])
                #expect(decodingError(cut, coding) == .truncated, "after \(count) bytes")
                #expect(content.starts(with: try decode(cut, coding, isCut: true)))
            }
        }
        let second = try encode(text, .gzip)
        if format == 0 {
            for count in 1..<second.count {
                #expect(decodingError(second + second[..<count], .gzip) == .truncated, "after \(count) bytes of two")
            }
        }
    }

    @Test("a flipped bit is an error unless it does not affect the content", arguments: Coding.allCases)
    func flippedBits(coding: Coding) throws {
        for content in [[], text, Sample.random.bytes(200), Sample.zeros.bytes(5000)] {
            let data = try encode(content, coding)
            var harmless: Set<Int> = []
            for position in data.indices {
                for bit in 0..<8 {
                    var damaged = data
                    damaged[position] ^= 1 << bit
                    guard let decoded = try? decode(damaged, coding, room: 100) else { continue }
                    #expect(decoded == content, "bit \(bit) of byte \(position)")
                    harmless.insert(position)
                }
            }
            // Empty content and zeros have several encodings that differ in one bit.
            guard content.contains(where: { $0 != 0 }) else { continue }
            // FTEXT, MTIME, XFL and OS (RFC 1952 §2.3.1); the padding of a stored block's header, and
            // that between the data and its checksum.
            let header = coding == .gzip ? 10 : 2
            let checksum = coding == .gzip ? 8 : 4
            let silent = Set(coding == .gzip ? 3..<10 : 0..<0).union([header, data.count - checksum - 1])
            #expect(harmless.isSubset(of: silent), "\(harmless.sorted()) of \(data.count)")
        }
    }

    @Test("data after the end is an error, wherever the data is cut", arguments: Coding.allCases)
    func trailingData(coding: Coding) throws {
        let data = try encode(text, coding)
        let member = try encode(text, .gzip)
        let trailers: [[UInt8]] = [
            [1], [0, 1], [0, 0, 0, 0, 0, 0, 0, 0] + member, Array("\r\n".utf8), Array("<html>".utf8), [0x1F, 0],
            [0x1F, 0x8C, 8],
        ]
        for trailer in trailers {
            let whole = data + trailer
            for split in [0, data.count - 1, data.count, data.count + 1, whole.count] {
                #expect(decodingError(whole, coding, splits: [split]) == .trailingData, "\(trailer), \(split)")
            }
            #expect(decodingError(whole, coding, splits: Array(0...whole.count), room: 1) == .trailingData)
        }
        // Data that begins like a member must be one.
        let isGzip = coding == .gzip
        #expect(decodingError(data + [0x1F], coding) == (isGzip ? .truncated : .trailingData))
        #expect(decodingError(data + member.prefix(member.count / 2), coding) == (isGzip ? .truncated : .trailingData))
        #expect(
            decodingError(data + [0x1F, 0x8B, 7] + member.dropFirst(3), coding) == (isGzip ? .corrupt : .trailingData))
        // The first of all is no trailer.
        #expect(decodingError([0] + data, coding) == .corrupt)
        if isGzip { #expect(decodingError(Array("<html>".utf8), coding) == .corrupt) }
    }

    @Test("zeros after the last gzip member are padding, however many and wherever the data is cut")
    func padding() throws {
        let data = try encode(text, .gzip) + encode(text, .gzip)
        for count in [1, 2, 511, 100_000] {
            let whole = data + [UInt8](repeating: 0, count: count)
            for split in [0, data.count, data.count + 1, whole.count] {
                #expect(try decode(whole, .gzip, splits: [split]) == text + text)
            }
        }
        #expect(try decode(data + [0, 0, 0], .gzip, splits: Array(0...data.count + 3), room: 1) == text + text)
        // A member cut off, and zeros in place of its end, is no padding.
        #expect(decodingError(data.dropLast(8) + [UInt8](repeating: 0, count: 8), .gzip) == .corrupt)
        // The zlib format has no such padding.
        #expect(try decodingError(encode(text, .deflate) + [0], .deflate) == .trailingData)
    }

    @Test("an error is repeated, whatever follows") func errorStays() throws {
        let good = try encode(text, .gzip)
        var limits = DecodingLimits()
        limits.size = 100
        var bad = good
        bad[good.count - 8] ^= 1
        for (data, code) in [
            (bad, CodingError.Code.corrupt), (good + [0, 1], .trailingData), (good, .sizeLimit),
            (good.dropLast(1), .truncated),
        ] {
            var decoder = ContentDecoder(.gzip, limits: code == .sizeLimit ? limits : DecodingLimits())
            var errors: [CodingError] = []
            for attempt in 0..<4 {
                do throws(CodingError) {
                    if attempt == 0 {
                        try first(data, &decoder)
                    } else {
                        try first(attempt == 2 ? [] : good, &decoder)
                    }
                    try decoder.finish()
                } catch {
                    errors.append(error)
                }
            }
            #expect(errors.count == 4 && Set(errors).count == 1 && errors.first?.code == code, "\(errors)")
        }
    }

    private func first(_ data: some Collection<UInt8>, _ decoder: inout ContentDecoder) throws(CodingError) {
        do {
            _ = try decoder.decode(Array(data))
        } catch let error as CodingError {
            throw error
        } catch { Issue.record("\(error)") }
    }

    @Test("the size limit is exact to the byte", arguments: Coding.allCases) func sizeLimit(coding: Coding) throws {
        let data = try encode(text, coding)
        var limits = DecodingLimits()
        for room in [1, 7, 4096] {
            limits.size = text.count
            #expect(try decode(data, coding, room: room, limits: limits) == text)
            limits.size = text.count - 1
            #expect(decodingError(data, coding, room: room, limits: limits) == .sizeLimit)
        }
        limits.size = 0
        #expect(try decode(encode([], coding), coding, limits: limits) == [])
        // All members count.
        limits.size = 2 * text.count - 1
        if coding == .gzip { #expect(decodingError(data + data, coding, limits: limits) == .sizeLimit) }
    }

    @Test("decoding a bomb stops soon after the limit", arguments: Coding.allCases) func bombs(coding: Coding) throws {
        let bomb = try encode(Sample.zeros.bytes(32 << 20), coding, level: 9)
        #expect(bomb.count < 40_000)
        var limits = DecodingLimits()
        limits.ratio = 100
        #expect(try decoded(bomb, coding, limits) == .ratioLimit)
        limits.ratio = 1033
        #expect(try decoded(bomb, coding, limits) == nil)
        limits.size = 3 << 20
        #expect(try decoded(bomb, coding, limits) == .sizeLimit)
        // Small content may be all zeros.
        limits.ratio = 2
        #expect(try decode(encode(Sample.zeros.bytes(1 << 20), coding), coding, limits: limits).count == 1 << 20)
        // Ordinary content of any length is no bomb.
        limits = DecodingLimits()
        limits.ratio = 20
        #expect(try decode(encode(Sample.random.bytes(2 << 20), coding), coding, limits: limits).count == 2 << 20)
    }

    /// How decoding ends; checks that no more than the limit and one buffer was returned.
    private func decoded(_ data: [UInt8], _ coding: Coding, _ limits: DecodingLimits) throws -> CodingError.Code? {
        var decoder = ContentDecoder(coding, limits: limits)
        defer { if limits.size < .max { #expect(decoder.bytesDecoded <= limits.size + 4096) } }
        do {
            _ = try decoder.decode(data)
            try decoder.finish()
            return nil
        } catch let error as CodingError {
            if error.code == .ratioLimit { #expect(decoder.bytesDecoded <= limits.ratioAllowance + 4096) }
            return error.code
        }
    }
}

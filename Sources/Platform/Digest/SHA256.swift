/// The compression function of SHA-256 (FIPS 180-4 §6.2).
struct SHA256: Sendable, Codable {
    private(set) var words: [UInt32] = SHA512.initialWords.map { UInt32($0 >> 32) }

    /// - Parameter blocks: whole blocks of 64 bytes.
    mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        guard let start = blocks.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
            Self.constants.withUnsafeBufferPointer { constants in
                for offset in stride(from: 0, to: blocks.count, by: 64) {
                    compress(start + offset, schedule, constants)
                }
            }
        }
    }

    @inline(__always)
    private mutating func compress(
        _ block: UnsafeRawPointer, _ schedule: UnsafeMutableBufferPointer<UInt32>,
        _ constants: UnsafeBufferPointer<UInt32>
    ) {
        for index in 0..<16 {
            schedule[index] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
        }
        for index in 16..<64 {
            let (early, late) = (schedule[index - 15], schedule[index - 2])
            schedule[index] =
                schedule[index - 16] &+ schedule[index - 7]
                &+ (rotated(early, 7) ^ rotated(early, 18) ^ early &>> 3)
                &+ (rotated(late, 17) ^ rotated(late, 19) ^ late &>> 10)
        }
        var (a, b, c, d) = (words[0], words[1], words[2], words[3])
        var (e, f, g, h) = (words[4], words[5], words[6], words[7])
        var index = 0
        // The variables change places after each round: after eight they are where they were.
        while index < 64 {
            round(a, b, c, &d, e, f, g, &h, schedule[index] &+ constants[index])
            round(h, a, b, &c, d, e, f, &g, schedule[index + 1] &+ constants[index + 1])
            round(g, h, a, &b, c, d, e, &f, schedule[index + 2] &+ constants[index + 2])
            round(f, g, h, &a, b, c, d, &e, schedule[index + 3] &+ constants[index + 3])
            round(e, f, g, &h, a, b, c, &d, schedule[index + 4] &+ constants[index + 4])
            round(d, e, f, &g, h, a, b, &c, schedule[index + 5] &+ constants[index + 5])
            round(c, d, e, &f, g, h, a, &b, schedule[index + 6] &+ constants[index + 6])
            round(b, c, d, &e, f, g, h, &a, schedule[index + 7] &+ constants[index + 7])
            index += 8
        }
        for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { words[index] &+= value }
    }

    @inline(__always)
    private func round(
        _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
        _ h: inout UInt32,
        _ word: UInt32
    ) {
        let sum = h &+ (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) &+ (g ^ e & (f ^ g)) &+ word
        d = d &+ sum
        h = sum &+ (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ (a & b | c & (a | b))
    }

    /// To the right.
    @inline(__always)
    private func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 - count) }

    // Those of SHA-512, shortened: both are the first bits of the same roots (§4.2.2, §4.2.3).
    private static let constants = SHA512.constants.prefix(64).map { UInt32($0 >> 32) }
}

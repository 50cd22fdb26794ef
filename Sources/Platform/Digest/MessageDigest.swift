/// Computes a digest of bytes that follow one another (FIPS 180-4). It can be encoded at any time, and go on elsewhere.
///
/// Written in Swift, because the library has no package dependencies: 1 GB takes 3.5 s of processor time with SHA-256 and
/// 2.2 s with SHA-512 (release build, AMD EPYC).
package struct MessageDigest: Sendable, Codable {
    private enum State: Sendable, Codable {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var state: State
    /// The bytes of an incomplete block.
    private var rest: [UInt8] = []
    private var byteCount: UInt64 = 0

    package init(_ algorithm: DigestAlgorithm) {
        state =
            switch algorithm {
            case .sha256: .sha256(SHA256())
            case .sha512: .sha512(SHA512())
            }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var bytes = bytes
        if !rest.isEmpty {
            let missing = min(blockSize - rest.count, bytes.count)
            rest += bytes[..<missing]
            bytes = UnsafeRawBufferPointer(rebasing: bytes[missing...])
            guard rest.count == blockSize else { return }
            rest.withUnsafeBytes { compress($0) }
            rest.removeAll(keepingCapacity: true)
        }
        let whole = bytes.count - bytes.count % blockSize
        compress(UnsafeRawBufferPointer(rebasing: bytes[..<whole]))
        rest += bytes[whole...]
    }

    /// The digest of all bytes. Nothing may be added afterwards.
    package mutating func finish() -> [UInt8] {
        // 1 bit, zeros, and the number of bits, which fills 8 bytes here and 16 in SHA-512.
        var padding: [UInt8] = [0x80]
        let end = blockSize == 64 ? 8 : 16
        while (rest.count + padding.count + end) % blockSize != 0 { padding.append(0) }
        padding += [UInt8](repeating: 0, count: end - 8) + bigEndian(byteCount << 3)
        padding.withUnsafeBytes { update($0) }
        return switch state {
        case .sha256(let hash): hash.words.flatMap { bigEndian($0) }
        case .sha512(let hash): hash.words.flatMap { bigEndian($0) }
        }
    }

    private var blockSize: Int { if case .sha256 = state { 64 } else { 128 } }

    /// - Parameter blocks: whole blocks.
    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hash):
            hash.compress(blocks)
            state = .sha256(hash)
        case .sha512(var hash):
            hash.compress(blocks)
            state = .sha512(hash)
        }
    }
}

private func bigEndian(_ word: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: word.bigEndian) { Array($0) }
}

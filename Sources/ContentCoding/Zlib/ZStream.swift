internal import CZlib

/// The format around DEFLATE data, as zlib's `windowBits`. https://zlib.net/manual.html#Advanced
enum ZFormat: CInt {
    case gzip = 31
    case zlib = 15
    case raw = -15
}

extension UnsafeMutablePointer<z_stream> {
    /// The most bytes that one call gets of a buffer. zlib counts in 32 bits.
    static var reach: Int { 1 << 30 }

    /// Gives zlib up to ``reach`` bytes of each buffer for one call.
    ///
    /// - Parameter input: the bytes that zlib has read are removed.
    /// - Returns: the code that zlib returned, and the number of bytes written to `output`.
    func run(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer,
        _ call: (UnsafeMutablePointer<z_stream>) -> CInt
    ) -> (code: CInt, count: Int) {
        let available = Swift.min(input.count, Self.reach)
        let room = Swift.min(output.count, Self.reach)
        // zlib does not write to its input, although the declaration lacks `const`.
        pointee.next_in = UnsafeMutablePointer<Bytef>(mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
        pointee.avail_in = uInt(available)
        pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        pointee.avail_out = uInt(room)
        let code = call(self)
        let taken = available - Int(pointee.avail_in)
        let count = room - Int(pointee.avail_out)
        pointee.next_in = nil
        pointee.next_out = nil
        input = UnsafeRawBufferPointer(rebasing: input[taken...])
        return (code, count)
    }

    /// zlib's description of its last error.
    var message: String { pointee.msg.map { String(cString: $0) } ?? "zlib gave no reason" }
}

/// The library that compresses.
package enum Zlib {
    /// Such as `1.3.1`. Another version may make other bytes of the same content.
    package static var version: String { String(cString: zlibVersion()) }
}

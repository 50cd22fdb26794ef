internal import CZlib

extension UnsafeMutablePointer<z_stream> {
    /// As much of a buffer as one call is lent: zlib counts in 32 bits.
    static var reach: Int { 1 << 30 }

    /// Lends zlib the buffers for one call, as far as its ``reach``.
    ///
    /// - Parameter input: loses what was taken.
    /// - Returns: zlib's code, and how many bytes were written to `output`.
    func run(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer,
        _ call: (UnsafeMutablePointer<z_stream>) -> CInt
    ) -> (code: CInt, count: Int) {
        let available = Swift.min(input.count, Self.reach)
        let room = Swift.min(output.count, Self.reach)
        // zlib does not write to its input; its declaration leaves out the const.
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

    /// zlib's words for its last error.
    var message: String { pointee.msg.map { String(cString: $0) } ?? "no reason given" }
}

/// An open file descriptor that is closed when its value goes away.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// - Parameter open: returns a descriptor, or a negative number and sets `errno`.
    package init(_ open: () -> Int32) throws(SystemError) {
        raw = try SystemError.check(open)
    }

    /// - Parameter raw: open; closed by this value.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { _ = closeDescriptor(raw) }

    /// Closes the descriptor and reports the error of close(2). Never call close(2) again after an error: on Linux
    /// the descriptor is free by then and may belong to another thread.
    package consuming func close() throws(SystemError) {
        let raw = raw
        discard self
        guard closeDescriptor(raw) == 0 else { throw .last }
    }

    /// Gives the open descriptor to the caller.
    package consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// Reads `count` bytes from an offset on, fewer at the end of the file. Blocks.
    package borrowing func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        let raw = raw
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            do throws(SystemError) {
                while filled < count {
                    let room = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                    let (address, start) = (room.baseAddress, off_t(offset + filled))
                    let read = try SystemError.check { pread(raw, address, room.count, start) }
                    if read == 0 { break }
                    filled += read
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` at the current position, in as many calls as it takes. Blocks.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        let raw = raw
        var rest = bytes[...]
        while !rest.isEmpty {
            let buffer = UnsafeRawBufferPointer(rebasing: rest)
            rest = rest.dropFirst(try SystemError.check { writeDescriptor(raw, buffer) })
        }
    }
}

// open(2), close(2), read(2) and write(2), for types that have methods of these names.

package func openDescriptor(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { open(path, flags) }

package func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

package func readDescriptor(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

private func writeDescriptor(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
    write(descriptor, buffer.baseAddress, buffer.count)
}

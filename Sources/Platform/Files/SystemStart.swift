/// Tells one run of the operating system from the next.
package enum SystemStart {
    /// A text that is the same until the machine starts again; nil where the system does not tell. Blocks.
    ///
    /// https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html
    package static var identifier: String? {
        #if canImport(Darwin)
        var bytes = [UInt8](repeating: 0, count: 64)
        var count = bytes.count
        guard sysctlbyname("kern.bootsessionuuid", &bytes, &count, nil, 0) == 0 else { return nil }
        return String(decoding: bytes.prefix(count).prefix { $0 != 0 }, as: UTF8.self)
        #else
        guard let file = try? Descriptor({ openDescriptor("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC) })
        else { return nil }
        let raw = file.raw
        let text = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            String(decoding: buffer.prefix(max(0, readDescriptor(raw, buffer))), as: UTF8.self)
        }
        return text.isEmpty ? nil : text.filter { !$0.isWhitespace }
        #endif
    }
}

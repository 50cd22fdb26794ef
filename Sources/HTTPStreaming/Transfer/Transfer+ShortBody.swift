internal import CCurl

// libcurl gets a copy of a short body that is in memory (CURLOPT_COPYPOSTFIELDS). It sends the body and the header in one
// packet, and the server reads once.
//
// `make bench-requests`: this halves the work of both sides for a request of 1 KiB.

extension Transfer {
    /// The longest body that is copied, in bytes.
    private static let copyLimit: Int64 = 16 << 10

    /// The length of the body if libcurl is to copy it; nil if libcurl reads it. An empty body is always copied: libcurl
    /// would not ask for its end.
    func lengthToCopy(_ request: TransferRequest) -> Int? {
        guard let source = request.source, let length = upload.body.length else { return nil }
        guard length > 0 else { return 0 }
        guard length <= Self.copyLimit, source.isInMemory, !request.mayExpect(isLong: false),
            !upload.control.isPaused, upload.control.maximumRate == nil
        else { return nil }
        return Int(length)
    }

    /// Reads the whole body and makes libcurl copy it.
    func copyBody(_ length: Int) throws(CurlError) {
        try withUnsafeTemporaryAllocation(byteCount: max(1, length), alignment: 1) { buffer throws(CurlError) in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
            var count = 0
            while count < length {
                guard case .bytes(let more) = try? upload.body.read(into: .init(rebasing: bytes[count...]))
                else { throw CurlError(CURLE_READ_ERROR) }
                count += more
            }
            try easy.setBody(bytes)
        }
        machine.bodyEnded()
        upload.observer?.record.passed(to: upload.body.position, isEnd: true)
        upload.isBodyCopied = true
    }
}

internal import CCurl
internal import Platform

/// The callbacks of a transfer, called by libcurl on the thread that runs its multi handle.
/// Buffers are valid only during the call.
protocol TransferCallbacks: AnyObject {
    /// Fills the buffer with the next bytes of the request body. https://curl.se/libcurl/c/CURLOPT_READFUNCTION.html
    func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int
    /// Seeks in the request body. https://curl.se/libcurl/c/CURLOPT_SEEKFUNCTION.html
    func seekBody(to offset: Int64, origin: Int32) -> Int32
    /// Receives one complete header line. https://curl.se/libcurl/c/CURLOPT_HEADERFUNCTION.html
    func receiveHeaderLine(_ line: UnsafeMutableRawBufferPointer) -> Int
    /// The trailer field line of the request, without CRLF; nil for none.
    /// https://curl.se/libcurl/c/CURLOPT_TRAILERFUNCTION.html
    func trailerLine() -> String?
    /// Receives the next bytes of the response content. https://curl.se/libcurl/c/CURLOPT_WRITEFUNCTION.html
    func receiveContent(_ bytes: UnsafeMutableRawBufferPointer) -> Int
}

/// The callbacks of the easy handle that `context` points to.
private func target(_ context: UnsafeMutableRawPointer?) -> (any TransferCallbacks)? {
    object(context, as: EasyHandle.self)?.callbacks
}

extension EasyHandle {
    /// Makes libcurl call ``callbacks``.
    func setTransferCallbacks() throws(CurlError) {
        let context = opaque(self)
        try set(CURLOPT_READDATA, pointer: context)
        try set(CURLOPT_SEEKDATA, pointer: context)
        try set(CURLOPT_HEADERDATA, pointer: context)
        try set(CURLOPT_WRITEDATA, pointer: context)
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_READFUNCTION) { bytes, size, count, context in
                target(context)?.readBody(into: .init(start: bytes, count: size * count)) ?? ccurl_read_abort
            }
        )
        try check(
            ccurl_easy_set_seek_callback(raw) { context, offset, origin in
                target(context)?.seekBody(to: Int64(offset), origin: origin) ?? CURL_SEEKFUNC_FAIL
            }
        )
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                target(context)?.receiveHeaderLine(.init(start: bytes, count: size * count)) ?? 0
            }
        )
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                target(context)?.receiveContent(.init(start: bytes, count: size * count)) ?? 0
            }
        )
    }

    /// Makes libcurl ask for a trailer field at the end of a chunked body.
    func setTrailerCallback() throws(CurlError) {
        try set(CURLOPT_TRAILERDATA, pointer: opaque(self))
        try check(
            ccurl_easy_set_trailer_callback(raw) { list, context in
                // libcurl copies the line and frees the list.
                if let line = target(context)?.trailerLine() { list?.pointee = curl_slist_append(nil, line) }
                return CURL_TRAILERFUNC_OK
            }
        )
    }

    /// Makes libcurl open and close its sockets through `tracker`. The tracker lives as long as any of them is open.
    func setSocketCallbacks(_ tracker: SocketTracker) throws(CurlError) {
        let context = opaque(tracker)
        try set(CURLOPT_OPENSOCKETDATA, pointer: context)
        try set(CURLOPT_CLOSESOCKETDATA, pointer: context)
        try check(
            ccurl_easy_set_open_socket_callback(raw) { context, _, address in
                address.flatMap { object(context, as: SocketTracker.self)?.openSocket($0.pointee) } ?? ccurl_socket_bad
            }
        )
        try check(
            ccurl_easy_set_close_socket_callback(raw) { context, socket in
                object(context, as: SocketTracker.self)?.closeSocket(socket) ?? 0
            }
        )
    }
}

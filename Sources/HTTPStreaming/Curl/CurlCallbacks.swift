internal import CCurl
internal import Platform

/// The transfer of the easy handle that libcurl calls back with.
private func currentTransfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    object(context, as: EasyHandle.self)?.transfer
}

extension EasyHandle {
    /// Has libcurl call ``transfer``, whichever that is by then.
    func setTransferCallbacks() throws(CurlError) {
        let context = opaque(self)
        try set(CURLOPT_READDATA, pointer: context)
        try set(CURLOPT_SEEKDATA, pointer: context)
        try set(CURLOPT_HEADERDATA, pointer: context)
        try set(CURLOPT_WRITEDATA, pointer: context)
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_READFUNCTION) { bytes, size, count, context in
                currentTransfer(context)?.readBody(into: .init(start: bytes, count: size * count)) ?? ccurl_read_abort
            }
        )
        try check(
            ccurl_easy_set_seek_callback(raw) { context, offset, origin in
                currentTransfer(context)?.seekBody(to: Int64(offset), origin: origin) ?? CURL_SEEKFUNC_FAIL
            }
        )
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                currentTransfer(context)?.receiveHeaderLine(.init(start: bytes, count: size * count)) ?? 0
            }
        )
        try check(
            ccurl_easy_set_transfer_callback(raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                currentTransfer(context)?.receiveContent(.init(start: bytes, count: size * count)) ?? 0
            }
        )
    }

    /// Has libcurl open and close its sockets by `tracker`, which lives as long as any of them is open.
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

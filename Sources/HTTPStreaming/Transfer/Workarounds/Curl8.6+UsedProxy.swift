internal import CCurl

// Symptom: CURLINFO_USED_PROXY does not exist.
// Versions: before 8.7.
// Workaround: the answer follows from the configuration and from whether a CONNECT was sent; it may be unknown.

extension Transfer {
    /// Whether the request was sent through a proxy; nil if that is not known.
    var usedProxy: Bool? {
        let proxy = settings.configuration.proxy
        if settings.configuration.unixSocket != nil || proxy == .none { return false }
        let unknown = -1
        let answer = easy.long(ccurl_info_used_proxy, unless: unknown)
        if answer != unknown { return answer != 0 }
        if easy.long(CURLINFO_HTTP_CONNECTCODE) != 0 { return true }
        if case .url(_, noProxy: []) = proxy.kind { return true }
        return nil
    }
}

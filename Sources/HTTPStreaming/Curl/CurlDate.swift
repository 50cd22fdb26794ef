internal import CCurl
internal import Platform

/// Dates as HTTP has them (RFC 9110 §5.6.7), by libcurl's parser.
enum CurlDate {
    /// What Retry-After says (RFC 9110 §10.2.3): seconds, or a date, which is compared with this
    /// machine's clock; nil if it is neither.
    static func duration(retryAfter value: String) -> Duration? {
        if let seconds = Int64(value) { return seconds < 0 ? nil : .seconds(min(seconds, Int64(Int32.max))) }
        // https://curl.se/libcurl/c/curl_getdate.html
        let date = curl_getdate(value, nil)
        guard date >= 0 else { return nil }
        return .seconds(max(0, date - time(nil)))
    }
}

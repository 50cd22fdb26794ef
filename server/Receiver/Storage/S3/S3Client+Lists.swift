import HTTPStreaming
import Platform

extension S3Client {
    /// Some objects, in the order of the bytes of their keys.
    struct ObjectPage {
        let objects: [(key: String, size: Int, modified: Int, tag: String)]
        /// The last key of the page, if others follow.
        let last: String?
    }

    /// - Parameters:
    ///   - key: the page begins after it.
    ///   - isFlat: whether keys with a slash behind the prefix are left out.
    ///   - limit: 1,000 at most.
    func list(prefix: String, after key: String?, isFlat: Bool, limit: Int) async throws(S3Error) -> ObjectPage {
        var request = Request(.get, nil, [("list-type", "2"), ("prefix", prefix), ("max-keys", "\(limit)")])
        if isFlat { request.query.append(("delimiter", "/")) }
        if let key { request.query.append(("start-after", key)) }
        let page = try await document(request)
        let objects = page.all("Contents").map { object in
            (
                key: object["Key"] ?? "", size: object["Size"].flatMap { Int($0) } ?? 0,
                modified: object["LastModified"].flatMap { Timestamp(rfc3339: $0) }?.seconds ?? 0,
                tag: Self.tag(object["ETag"] ?? "")
            )
        }
        let folders = page.all("CommonPrefixes").compactMap { $0["Prefix"] }
        // A folder comes before the keys that begin with it.
        let last = (objects.map(\.key) + folders.map { $0 + "\u{10FFFF}" }).max {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        return ObjectPage(objects: objects, last: page["IsTruncated"] == "true" ? last : nil)
    }

    /// A multipart upload that has neither been completed nor aborted.
    struct UnfinishedUpload: Hashable {
        let key: String
        let identifier: String
        /// In seconds since 1970, UTC.
        let begun: Int
    }

    /// Some unfinished uploads, and where the next ones begin; nil if there are no more.
    func unfinishedUploads(
        prefix: String, after marker: (key: String, upload: String)? = nil
    ) async throws(S3Error) -> (uploads: [UnfinishedUpload], next: (key: String, upload: String)?) {
        var request = Request(.get, nil, [("uploads", ""), ("prefix", prefix)])
        if let marker { request.query += [("key-marker", marker.key), ("upload-id-marker", marker.upload)] }
        let page = try await document(request)
        let uploads = page.all("Upload").map { upload in
            UnfinishedUpload(
                key: upload["Key"] ?? "", identifier: upload["UploadId"] ?? "",
                begun: upload["Initiated"].flatMap { Timestamp(rfc3339: $0) }?.seconds ?? 0)
        }
        guard page["IsTruncated"] == "true", let key = page["NextKeyMarker"] else { return (uploads, nil) }
        return (uploads, (key, page["NextUploadIdMarker"] ?? ""))
    }

    /// When the last part of an unfinished upload was stored, in seconds since 1970, UTC; nil if it has none, or does not
    /// exist any more.
    func lastPartTime(of upload: UnfinishedUpload) async throws(S3Error) -> Int? {
        var (last, marker): (Int?, String?) = (nil, nil)
        repeat {
            var request = Request(.get, upload.key, [("uploadId", upload.identifier)])
            if let marker { request.query.append(("part-number-marker", marker)) }
            let page: XMLElement
            do throws(S3Error) {
                page = try await document(request)
            } catch {
                guard error.status == 404 else { throw error }
                return nil
            }
            for part in page.all("Part") {
                guard let time = part["LastModified"].flatMap({ Timestamp(rfc3339: $0) })?.seconds else { continue }
                last = max(last ?? time, time)
            }
            marker = page["IsTruncated"] == "true" ? page["NextPartNumberMarker"] : nil
        } while marker != nil
        return last
    }

    private func document(_ request: Request) async throws(S3Error) -> XMLElement {
        guard let document = XMLElement(try await send(request).content) else {
            throw S3Error(status: 500, content: Array("<Error><Code>no XML in the response</Code></Error>".utf8))
        }
        return document
    }
}

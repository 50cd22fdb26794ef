import Platform

/// HTML for browsers without scripts. `report.html` surrounds it.
enum HTMLText {
    /// For text, and for attribute values between quotation marks.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func paragraph(_ text: String) -> String { "<p>\(escaped(text))</p>" }

    /// A table of files.
    ///
    /// - Parameter columns: classes, which `style.css` defines, and headings.
    static func table(_ columns: [(class: String, heading: String)], _ rows: [String]) -> String {
        let head = columns.map { "<th scope=\"col\" class=\"\($0.class)\">\($0.heading)</th>" }.joined()
        return """
            <table class="files">
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(rows.map { "<tr>\($0)</tr>\n" }.joined())</tbody>
            </table>
            """
    }

    /// A name, linked to the file if clients can read it. `bdi` isolates the direction of its text.
    static func nameCell(_ name: String, note: String = "") -> String {
        let text = "<bdi>\(escaped(name))</bdi>"
        let link = "<a href=\"\(Resource.path(ofFile: name))\" download>\(text)</a>"
        return "<td class=\"name\">\(FileName.isPublic(name) ? link : text)\(note)</td>"
    }

    static func sizeCell(_ bytes: Int) -> String {
        "<td class=\"size\" title=\"\(bytes) bytes\">\(readable(bytes))</td>"
    }

    /// 1234567 → `1.2 MB`, as the page's script writes it.
    static func readable(_ bytes: Int) -> String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var (value, unit) = (Double(bytes), -1)
        let units = ["kB", "MB", "GB", "TB", "PB"]
        while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        let text = value < 99.95 ? "\((value * 10).rounded() / 10)" : "\(Int(value.rounded()))"
        return "\(text) \(units[unit])"
    }
}

extension Refusal {
    var html: String { "<p class=\"error\" role=\"alert\">\(HTMLText.escaped(message))</p>" }
}

extension UploadReport {
    var html: String {
        let rows = parts.compactMap { part in
            part.savedAs.map { name in
                let sent = part.filename ?? ""
                let note = " <span class=\"note\">sent as <bdi>\(HTMLText.escaped(sent))</bdi></span>"
                return HTMLText.nameCell(name, note: name == sent ? "" : note) + HTMLText.sizeCell(part.size)
            }
        }
        guard !rows.isEmpty else { return HTMLText.paragraph("The form contained no file, so nothing was stored.") }
        return HTMLText.table([("name", "Name"), ("size", "Size")], rows)
    }
}

extension FileList {
    var html: String {
        let link = next.map { "<p><a rel=\"next\" href=\"\(HTMLText.escaped($0))\">More files</a></p>" } ?? ""
        guard !files.isEmpty else {
            return HTMLText.paragraph(isFirst ? "No files are stored yet." : "There are no more files.") + link
        }
        let rows = files.map { file in
            let time = Timestamp(seconds: file.modified)
            let cell = "<td class=\"time\"><time datetime=\"\(time.rfc3339)\">\(time.toTheMinute) UTC</time></td>"
            return HTMLText.nameCell(file.name) + HTMLText.sizeCell(file.size) + cell
        }
        return HTMLText.table([("name", "Name"), ("size", "Size"), ("time", "Time")], rows) + link
    }
}

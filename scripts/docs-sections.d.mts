export function withSections(text: string, sections: Readonly<Record<string, string>>): string
export function profileTable(yaml: string): string

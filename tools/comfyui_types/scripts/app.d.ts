// What the pack uses of ComfyUI's page; TypeScript's checker reads it (tsconfig.json).

export type NodeId = number | string;

export interface Link {
  target_id: NodeId;
  target_slot: number;
}

export interface Graph {
  id: string;
  nodes?: GraphNode[];
  _nodes?: GraphNode[];
  getNodeById(id: NodeId): GraphNode | null;
  getLink(id: number): Link | null;
  setDirtyCanvas?(foreground: boolean, background: boolean): void;
}

export interface Subgraph extends Graph {
  inputs: { linkIds?: number[] }[];
}

export interface Widget {
  name: string;
  type?: string;
  value?: any;
  element?: HTMLElement;
  options?: Record<string, any>;
  serialize?: boolean;
  callback?: (...given: any[]) => any;
  [ours: string]: any;
}

export interface GraphNode {
  id: NodeId;
  type: string;
  comfyClass?: string;
  title?: string;
  graph: Graph | null;
  subgraph?: Subgraph;
  inputs?: { name: string; link?: number | null; widget?: { name: string } }[];
  outputs?: { links?: number[] | null }[];
  widgets?: Widget[];
  properties?: Record<string, any>;
  addDOMWidget(name: string, type: string, element: HTMLElement, options: Record<string, any>): Widget;
  removeInput(slot: number): void;
  computeSize(): [number, number];
  setSize(size: [number, number]): void;
  size: [number, number];
  [hook: string]: any;
}

export interface Extension {
  name: string;
  [hook: string]: any;
}

export interface App {
  graph: Graph;
  canvas: { canvas: HTMLCanvasElement; graph?: Graph };
  extensions: Extension[];
  extensionManager: any;
  widgets: Record<string, (node: GraphNode, name: string, inputData: any[], app: App) => any>;
  registerExtension(extension: Extension): void;
  refreshComboInNodes(): Promise<void>;
  queuePrompt(number: number, batchCount: number, nodes: NodeId[]): void;
}

export const app: App;
